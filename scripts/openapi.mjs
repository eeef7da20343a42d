// `npm run openapi`: writes the OpenAPI document, and the client's types that are generated from it.
import { bin, ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { lintApi, writeApiFiles } from './lib/openapi.mjs';
import { run, runMain, step } from './lib/run.mjs';

await runMain(async () => {
  await ensureInstalled();
  // Only the API: the client cannot be built before its types exist.
  await run(bin('tsc'), ['-b', 'apps/api'], { toStderr: true });
  await writeApiFiles();
  await lintApi();
  await ensureBuilt();
  step('packages/client/openapi.json and its types are up to date');
  return 0;
});
