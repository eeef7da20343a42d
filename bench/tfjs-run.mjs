// Measures one backend of TensorFlow.js on one model, in a process of its own. UMBRA_TFJS names the backend.
// Arguments: bundle's folder, patch, stride, rows. Prints one JSON object.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine, planOcclusion, prepareImage, readBundle } from '@umbra/engine';
import { tfjsChoices } from '@umbra/shared/contracts/provider';
import { occlusionSettings } from '@umbra/shared/contracts/settings';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const [folder = '', patch = '', stride = '', rows = ''] = process.argv.slice(2);
const choice = tfjsChoices.find((known) => known === process.env.UMBRA_TFJS) ?? 'auto';
const batch = 8;
const photo = readFileSync(join(root, 'samples/photos/cat.jpg'));

/** Images a second of TensorFlow.js itself, in batches. @param {import('@umbra/engine').ModelInput} input */
async function measurePlain(input) {
  const { openTfjs } = await import(join(root, 'packages/engine/dist/backends/tfjs-runtime.js'));
  const { readShards, readTfjsModel } = await import(
    join(root, 'packages/engine/dist/convert/model-file.js')
  );
  const { tf } = await openTfjs(choice);
  const file = await readTfjsModel(folder, 'model.json');
  const weightSpecs = file.json.weightsManifest[0].weights;
  const weightData = await readShards(folder, file);
  const model = await tf.loadLayersModel({
    load: async () => ({ modelTopology: file.topology, weightSpecs, weightData }),
  });
  const images = new Float32Array(batch * input.tensor.length);
  for (let at = 0; at < batch; at++) images.set(input.tensor, at * input.tensor.length);
  const once = async () => {
    const scores = tf.tidy(() =>
      model.predict(tf.tensor(images, [batch, input.height, input.width, 3])),
    );
    await scores.data();
    scores.dispose();
  };
  await once();
  const startedAt = performance.now();
  await once();
  const rate = (batch * 1000) / (performance.now() - startedAt);
  model.dispose();
  return rate;
}

const { bundle } = await readBundle(folder);
const input = await prepareImage(photo, bundle.input);
const plain = await measurePlain(input);
const engine = openEngine({ inferenceThreads: availableParallelism(), tfjs: choice });
const model = await engine.open(folder);
const settings = occlusionSettings.parse({
  patch: Number(patch),
  stride: Number(stride),
  target: { kind: 'top', k: 20 },
});
const grid = planOcclusion(input, settings);
const rowStart = Math.floor((grid.rows - Number(rows)) / 2);
const range = { rowStart, rowEnd: rowStart + Number(rows) };
const run = (/** @type {'dense' | 'incremental'} */ strategy) =>
  model.occlude(input, model.resolve({ ...settings, strategy }, input), { rows: range });
const dense = await run('dense');
// The first run makes the sessions.
await run('incremental');
const incremental = await run('incremental');
const positions = dense.predictedClasses.length;
let maxAbsDiff = 0;
for (const [target, scores] of dense.scores.entries()) {
  for (const [at, score] of scores.entries()) {
    maxAbsDiff = Math.max(
      maxAbsDiff,
      Math.abs(score - (incremental.scores[target]?.[at] ?? Number.NaN)),
    );
  }
}
const rate = (/** @type {{ milliseconds: number }} */ { milliseconds }) =>
  (positions * 1000) / milliseconds;
const { backend, device } = dense.provenance;
const auto = (await model.plan(model.resolve(settings, input))).strategy;
await engine.close();
process.stdout.write(
  `${JSON.stringify({ backend, device, positions, auto, plain, dense: rate(dense), incremental: rate(incremental), maxAbsDiff })}\n`,
);
