// Cost of the queue: the service's wall time divided by the engine's alone, on the same photos and cores.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUmbraClient } from '@umbra/client';
import { uploadFiles } from '@umbra/client/files';
import { composeResult, openEngine, prepareImage } from '@umbra/engine';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import sharp from 'sharp';
import { startServices } from '../scripts/lib/services.mjs';
import { benchDispatch } from './dispatch.mjs';
import { benchLoad } from './load.mjs';

const model = 'efficientnet-lite0';
const settings = occlusionSettings.parse({});

/**
 * @param {{ root: string, quick: boolean, report: (message: string) => void }} options
 */
export async function benchQueue({ root, quick, report }) {
  const dir = mkdtempSync(join(tmpdir(), 'umbra-bench-'));
  const inferenceThreads = availableParallelism();
  try {
    const photos = await makePhotos(join(root, 'samples/photos'), dir, quick ? 8 : 16);
    const engineSeconds = await runEngine(root, photos, inferenceThreads);
    report(
      `engine alone: ${engineSeconds.toFixed(2)} s for ${photos.length} photos, ${inferenceThreads} threads`,
    );
    const serviceSeconds = await runService(photos, join(dir, 'service'), inferenceThreads);
    report(
      `service: ${serviceSeconds.toFixed(2)} s with ${inferenceThreads} workers of one thread`,
    );
    const overhead = serviceSeconds / engineSeconds;
    report(`service / engine: ${overhead.toFixed(3)}`);
    const dispatch = await benchDispatch({ root, quick, report });
    const load = await benchLoad({ root, quick, report });
    return { photos: photos.length, engineSeconds, serviceSeconds, overhead, ...dispatch, load };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * Cuts `count` distinct photos out of the samples.
 *
 * @param {string} samples
 * @param {string} dir
 * @param {number} count
 */
async function makePhotos(samples, dir, count) {
  const sources = readdirSync(samples).filter((name) => name.endsWith('.jpg'));
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const source = join(samples, sources[index % sources.length] ?? '');
      const path = join(dir, `${String(index).padStart(2, '0')}.jpg`);
      const turn = Math.floor(index / sources.length);
      const { width = 0, height = 0 } = await sharp(source).metadata();
      const side = Math.min(width, height) - 8 * turn;
      await sharp(source)
        .extract({ left: 4 * turn, top: 4 * turn, width: side, height: side })
        .jpeg()
        .toFile(path);
      return path;
    }),
  );
}

/**
 * Does the same work without a queue: decode, occlude, and draw every result, with the model loaded.
 *
 * @param {string} root
 * @param {readonly string[]} photos
 * @param {number} inferenceThreads
 */
async function runEngine(root, photos, inferenceThreads) {
  const engine = openEngine({ inferenceThreads });
  try {
    const open = await engine.open(join(root, 'models', model));
    await explainOne(open, photos[0] ?? '');
    const start = performance.now();
    // One photo for each thread at once, so that decoding and drawing overlap with inference here too: the queue is then
    // the only difference.
    const waiting = [...photos];
    const work = async () => {
      for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
        await explainOne(open, path);
      }
    };
    await Promise.all(Array.from({ length: inferenceThreads }, work));
    return (performance.now() - start) / 1000;
  } finally {
    await engine.close();
  }
}

/**
 * @param {import('@umbra/engine').OpenModel} open
 * @param {string} path
 */
async function explainOne(open, path) {
  const photo = readFileSync(path);
  const input = await prepareImage(photo, open.bundle.input);
  const run = await open.occlude(input, open.resolve(settings, input));
  const { width = 1, height = 1 } = await sharp(photo).metadata();
  const image = { id: 'img_00000000', name: path, sha256: '0'.repeat(64), width, height };
  const { provenance } = run;
  await composeResult({ photo, image, model: open, settings, run, provenance });
}

/**
 * Measures a job from its submission to its end, archive included; the workers have the model loaded.
 *
 * @param {readonly string[]} photos
 * @param {string} dir
 * @param {number} workers
 */
async function runService(photos, dir, workers) {
  const services = await startServices({ dir, workers });
  try {
    const client = createUmbraClient({ baseUrl: services.url });
    // One small job first loads the model in every worker, as in a running service.
    await runJob(client, photos.slice(0, 2 * workers));
    return await runJob(client, photos);
  } finally {
    await services.stop();
  }
}

/**
 * @param {import('@umbra/client').UmbraClient} client
 * @param {readonly string[]} photos
 */
async function runJob(client, photos) {
  const dataset = await uploadFiles(client, photos);
  const start = performance.now();
  const job = await client.createJob({ dataset: dataset.id, model, settings, reuse: false });
  const { state, counts } = await client.waitForJob(job.id, { pollMs: 200 });
  const seconds = (performance.now() - start) / 1000;
  if (state !== 'completed' || counts.completed !== photos.length) {
    throw new Error(
      `Expected ${photos.length} photos to be completed, got ${JSON.stringify(counts)}`,
    );
  }
  return seconds;
}
