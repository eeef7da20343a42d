/** Runs in each process of the worker, before its own code. */
const preload = `
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const held = new RegExp(process.env.UMBRA_TEST_HELD);
const { rename } = fs;
fs.rename = async (from, to) => {
  if (held.test(String(to))) await new Promise(() => undefined);
  return rename(from, to);
};
syncBuiltinESMExports();
`;

/**
 * Settings of a worker whose writes to some objects never end, as of a disk that hangs.
 *
 * @param held Which paths.
 */
export const heldWritesEnv = (held: RegExp): Record<string, string> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`,
  UMBRA_TEST_HELD: held.source,
});
