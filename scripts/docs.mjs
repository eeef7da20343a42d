// `npm run docs`: writes the tables of docs/ that are generated from the schemas.
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { writeReference } from './lib/reference.mjs';
import { runMain, step } from './lib/run.mjs';

await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt();
  const changed = await writeReference();
  step(changed.length === 0 ? 'tables are current' : `wrote ${changed.join(', ')}`);
  return 0;
});
