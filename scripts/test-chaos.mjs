// `npm run test:chaos`: a real service whose processes, Redis and store fail in turn, by chance. At the end of each round
// every image is bit-equal to an undisturbed run's, or failed with a reason of its own.
//   --seed N       the chance; printed at the end, and repeats the run (default: by chance)
//   --kills N      processes killed, at least (default: 50)
//   --minutes M    no round begins later (default: 60)
//   --only A,B     faults whose names contain one of these
//   --store KIND   fs or s3 alone
//   --short        each fault once, in few rounds
//   --list         print the faults' names
//   --json         print everything that happened as one JSON object last
import { parseArgs } from 'node:util';
import { reportCounts } from './lib/counts.mjs';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { CommandError, runMain, step } from './lib/run.mjs';
import { withTemporaryFolder } from './lib/temporary-folder.mjs';

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      kills: { type: 'string' },
      minutes: { type: 'string', default: '60' },
      only: { type: 'string', default: '' },
      store: { type: 'string', default: 'fs,s3' },
      short: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  await ensureInstalled();
  await ensureBuilt();
  const { allFaults, runChaos } = await import('../test/chaos/main.mjs');
  const only = values.only.split(',').filter((name) => name !== '');
  const faults = allFaults.filter(
    ({ name }) => only.length === 0 || only.some((one) => name.includes(one)),
  );
  if (faults.length === 0)
    throw new CommandError(`Expected --only to name a fault, got '${values.only}'`, 2);
  if (values.list) {
    for (const { name, stores } of faults) process.stdout.write(`${name} (${stores.join(', ')})\n`);
    return 0;
  }
  const isShort = values.short;
  const use = async (/** @type {string} */ dir) => {
    const result = await runChaos({
      dir,
      seed: values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed),
      kills: Number(values.kills ?? (isShort || only.length > 0 ? 0 : 50)),
      minutes: Number(values.minutes),
      kinds: storesOf(values.store),
      ...{ faults, isShort, report: step },
    });
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    const failed = result.rounds.filter(({ broken }) => broken.length > 0).length;
    const skipped = result.happenings.filter((happening) => happening.skipped !== null).length;
    reportCounts('test:chaos', { passed: result.rounds.length - failed, failed, skipped });
    return failed === 0 ? 0 : 1;
  };
  return withTemporaryFolder('umbra-chaos', use, values.keep);
});

/**
 * @param {string} list
 * @returns {('fs' | 's3')[]}
 */
function storesOf(list) {
  const kinds = /** @type {const} */ (['fs', 's3']).filter((kind) =>
    list.split(',').includes(kind),
  );
  if (kinds.length === 0) throw new CommandError(`Expected --store fs or s3, got '${list}'`, 2);
  return kinds;
}
