// `npm run check`: all checks that a change must pass. `--no-tests` omits the tests.
import { checkCommits } from './lib/commits.mjs';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { checkApiFiles, lintApi } from './lib/openapi.mjs';
import { checkReference } from './lib/reference.mjs';
import { CommandError, runMain, step } from './lib/run.mjs';
import { checkStyle, runTests } from './lib/steps.mjs';
import { checkWalls } from './lib/walls.mjs';

/** @type {[name: string, work: () => Promise<unknown>][]} */
const steps = [
  ['subjects of commits', () => checkCommits()],
  ['install', ensureInstalled],
  ['format and lint', checkStyle],
  ['walls', async () => checkWalls()],
  ['types and build', ensureBuilt],
  ['generated tables are current', checkReference],
  ['OpenAPI document is current', checkApiFiles],
  ['OpenAPI document lint', lintApi],
];
if (!process.argv.includes('--no-tests')) {
  steps.push([
    'tests',
    async () => {
      const status = await runTests('tests');
      if (status !== 0) throw new CommandError('tests failed', status);
    },
  ]);
}

await runMain(async () => {
  for (const [name, work] of steps) {
    const start = performance.now();
    try {
      await work();
    } catch (error) {
      step(`check failed at: ${name} (${secondsSince(start)} s)`);
      throw error;
    }
    step(`${name}: ok (${secondsSince(start)} s)`);
  }
  return 0;
});

/** @param {number} start */
function secondsSince(start) {
  return ((performance.now() - start) / 1000).toFixed(1);
}
