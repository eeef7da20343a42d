// `npm run soak`: mixed load on a real service, whose memory, handles, temporary files, Redis memory and waiting places
// must stay flat: the growth by a robust slope after the warm-up is held to a bound.
//   --minutes M   duration (default: 10)
//   --seed N      the chance (default: 1)
//   --plot FILE   where to write the plot (default: .umbra/soak.svg)
//   --json        print the result as one JSON object last
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { reportCounts } from './lib/counts.mjs';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { repoRoot, runMain, step } from './lib/run.mjs';
import { withTemporaryFolder } from './lib/temporary-folder.mjs';

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      plot: { type: 'string', default: join(repoRoot, '.umbra', 'soak.svg') },
      json: { type: 'boolean', default: false },
    },
  });
  await ensureInstalled();
  await ensureBuilt();
  const { runSoak } = await import('../bench/soak/main.mjs');
  return withTemporaryFolder('umbra-soak', async (dir) => {
    const [seed, minutes] = [Number(values.seed), Number(values.minutes)];
    const { plot, ...result } = await runSoak({ dir, seed, minutes, report: step });
    mkdirSync(dirname(values.plot), { recursive: true });
    writeFileSync(values.plot, plot);
    step(`plotted: ${values.plot}`);
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    const failed =
      result.verdicts.filter(({ isFlat }) => !isFlat).length +
      result.stuck.length +
      result.failed.length;
    reportCounts('soak', {
      passed: result.verdicts.filter(({ isFlat }) => isFlat).length,
      failed,
      skipped: 0,
    });
    return failed === 0 ? 0 : 1;
  });
});
