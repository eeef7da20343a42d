// `npm run build`: builds every package and the page, as far as they have changed.
import { ensureBuilt } from './lib/install.mjs';
import { runMain } from './lib/run.mjs';

await runMain(async () => {
  await ensureBuilt();
  return 0;
});
