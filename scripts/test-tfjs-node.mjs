// `npm run test:tfjs-node`: the tests of TensorFlow.js models on a native TensorFlow, which
// `npm run setup:tfjs-node` installs.
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { runMain } from './lib/run.mjs';
import { runTests } from './lib/steps.mjs';

await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt();
  process.env.UMBRA_TFJS = 'node';
  return runTests('test:tfjs-node', [
    'packages/engine/src/convert',
    'packages/engine/src/backends',
    ...process.argv.slice(2),
  ]);
});
