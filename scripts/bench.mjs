// `npm run bench`: installs dependencies and builds if needed, then measures. Arguments go to bench/main.mjs.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { repoRoot, run, runMain } from './lib/run.mjs';

await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt();
  await run(process.execPath, [join(repoRoot, 'bench', 'main.mjs'), ...process.argv.slice(2)]);
  return 0;
});
