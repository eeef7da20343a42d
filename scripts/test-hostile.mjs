// `npm run test:hostile`: bad inputs, made by chance, for a real API, a worker and the CLI. None may crash, hang or leak, or
// be answered by 5xx (503 with Retry-After is for uploads alone, of which many come at once).
//   --seed N      the chance, which repeats the run (default: 1)
//   --count N     inputs (default: 2000)
//   --only A,B    kinds: images, archives, forms, json, headers, ids, cursors, lines, webhooks, models
//   --json        print the result as one JSON object last
import { parseArgs } from 'node:util';
import { reportCounts } from './lib/counts.mjs';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { CommandError, runMain, step } from './lib/run.mjs';
import { withTemporaryFolder } from './lib/temporary-folder.mjs';

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '2000' },
      only: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
    },
  });
  await ensureInstalled();
  await ensureBuilt();
  const { kinds, runHostile } = await import('../test/hostile/run.mjs');
  const only = values.only.split(',').filter((kind) => kind !== '');
  const unknown = only.filter((kind) => !kinds.includes(kind));
  if (unknown.length > 0) {
    throw new CommandError(`Expected kinds of ${kinds.join(', ')}, got ${unknown.join(', ')}`, 2);
  }
  return withTemporaryFolder('umbra-hostile', async (dir) => {
    const [seed, count] = [Number(values.seed), Number(values.count)];
    const result = await runHostile({ dir, seed, count, only, report: step });
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    const failed = result.failures.length + result.broken.length;
    reportCounts('test:hostile', {
      passed: result.inputs - result.failures.length,
      failed,
      skipped: 0,
    });
    return failed === 0 ? 0 : 1;
  });
});
