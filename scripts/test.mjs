// `npm test`: installs dependencies and builds if needed, then runs the tests. Arguments go to vitest.
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { runMain } from './lib/run.mjs';
import { runTests } from './lib/steps.mjs';

await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt();
  return runTests('tests', process.argv.slice(2));
});
