// `npm run bench -- [engine] [refine] [queue] [--quick] [--json]`: measurements beside peers, in one run.
import { join } from 'node:path';
import { repoRoot, runMain, step } from '../scripts/lib/run.mjs';

await runMain(async () => {
  const flags = process.argv.slice(2);
  const parts = flags.filter((flag) => !flag.startsWith('--'));
  const wants = (/** @type {string} */ part) => parts.length === 0 || parts.includes(part);
  const options = { root: join(repoRoot), quick: flags.includes('--quick'), report: step };
  /** @type {Record<string, unknown>} */
  const results = {};
  if (wants('engine')) {
    results.engine = await (await import('./engine.mjs')).benchEngine(options);
  }
  if (wants('refine')) {
    results.refine = await (await import('./refine.mjs')).benchRefine(options);
  }
  if (wants('queue')) results.queue = await (await import('./queue.mjs')).benchQueue(options);
  if (flags.includes('--json')) process.stdout.write(`${JSON.stringify(results)}\n`);
  return 0;
});
