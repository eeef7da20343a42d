/** Runs in each process of the worker, before its own code. */
const preload = `
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const lost = new RegExp(process.env.UMBRA_TEST_LOST);
let times = Number(process.env.UMBRA_TEST_LOST_TIMES);
const { readFile } = fs;
fs.readFile = async (path, ...rest) => {
  if (!lost.test(String(path)) || times-- <= 0) return readFile(path, ...rest);
  throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT', syscall: 'open', path });
};
syncBuiltinESMExports();
`;

/**
 * Settings of a worker whose folder store loses objects: it can write them, and does not find them again.
 *
 * @param lost Which paths it loses.
 * @param times How often it does; from then on they are there.
 */
export const forgetfulStoreEnv = (lost: RegExp, times = 1e9): Record<string, string> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`,
  UMBRA_TEST_LOST: lost.source,
  UMBRA_TEST_LOST_TIMES: String(times),
});
