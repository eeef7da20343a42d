import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { composeResult, planOcclusion, readBundle, readClassNames } from '@umbra/engine';
import { putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { newJobDefaults } from '@umbra/shared/contracts/job';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import { createRandom } from '@umbra/shared/random';
import sharp from 'sharp';

/** Photos and results that differ; images repeat them. */
const variants = 16;
const photoSize = { width: 500, height: 375 };
/** A quarter of the object's boxes; 13 x 13 positions of a 224 px input. */
const box = { top: 100, left: 150, bottom: 280, right: 350 };
const settings = occlusionSettings.parse({ patch: 32, stride: 16, edge: 'valid' });

/**
 * Writes an ended job of so many images with the results that a model would have given.
 *
 * Straight into the store's folder: the store itself waits for the disk at each object.
 *
 * @param {{ store: import('@umbra/platform/store/store').ObjectStore, folder: string, bundle: string, images: number, model: { name: string, digest: string } }} options
 */
export async function writeResults({ store, folder, bundle, images, model }) {
  const [id, dataset] = [newJobId(), newDatasetId()];
  const { bundle: description } = await readBundle(bundle);
  const labels = (await readClassNames(bundle, description)) ?? [];
  /** @type {{ files: ReadonlyMap<import("@umbra/shared/contracts/result").ResultFile, Buffer>, item: Record<string, unknown> }[]} */
  const made = [];
  for (let variant = 0; variant < variants; variant += 1) {
    const photo = await makePhoto(variant);
    const sha256 = createHash('sha256').update(photo).digest('hex');
    const label = labels[variant % labels.length] ?? 'none';
    await store.put(keys.image(defaultTenant, dataset, sha256), photo);
    const image = { id: 'IMAGE', name: 'NAME', sha256, ...photoSize, label };
    const run = makeRun(variant, labels);
    const files = await composeResult({
      ...{ photo, image, settings, run, outputs: ['scores', 'predicted-classes'] },
      model: { bundle: description, digest: model.digest, labels },
      provenance: {
        ...{ backend: 'none', backendVersion: '0', device: 'none', strategy: 'dense' },
        umbraVersion: '0.1.0',
      },
    });
    made.push({ files, item: { sha256, bytes: photo.length, ...photoSize, label, box } });
  }
  const lines = function* () {
    for (let index = 0; index < images; index += 1) {
      const one = made[index % variants];
      const name = `photos/${one?.item.label}/photo-${String(index).padStart(7, '0')}.jpg`;
      yield `${JSON.stringify({ version: 1, id: imageIdAt(index), name, ...one?.item })}\n`;
    }
  };
  await store.putStream(keys.manifest(defaultTenant, dataset), Readable.from(lines()));
  for (let index = 0; index < images; index += 1) {
    const image = imageIdAt(index);
    for (const [file, bytes] of made[index % variants]?.files ?? []) {
      const path = join(folder, keys.result(defaultTenant, id, image, file));
      if (file === [...(made[0]?.files.keys() ?? [])][0])
        mkdirSync(dirname(path), { recursive: true });
      const own = file === 'result.json' ? bytes.toString().replace('IMAGE', image) : bytes;
      writeFileSync(path, own);
    }
  }
  const at = new Date().toISOString();
  await putJson(store, keys.job(defaultTenant, id), {
    ...newJobDefaults,
    ...{ id, dataset, model: { name: model.name, digest: model.digest }, settings },
    ...{ counts: { total: images, completed: images, failed: 0 } },
    ...{ state: 'completed', createdAt: at, startedAt: at, completedAt: at },
  });
  return id;
}

/** A photo of blobs in the variant's colours, as large as a camera's small ones. @param {number} seed */
function makePhoto(seed) {
  const random = createRandom(seed + 1);
  const { width, height } = photoSize;
  const pixels = Buffer.alloc(width * height * 3);
  const blobs = Array.from({ length: 4 }, () => [
    random.below(width),
    random.below(height),
    random.below(200),
  ]);
  for (let at = 0; at < width * height; at += 1) {
    const [x, y] = [at % width, Math.floor(at / width)];
    let value = 0;
    for (const [bx = 0, by = 0, light = 0] of blobs) {
      value += light * Math.exp(-((x - bx) ** 2 + (y - by) ** 2) / 4_000);
    }
    pixels.fill(Math.min(value, 255), 3 * at, 3 * at + 3);
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}

/** Scores that fall at one place, and flip there. @param {number} seed @param {readonly string[]} labels */
function makeRun(seed, labels) {
  const random = createRandom(seed + 1);
  const plan = planOcclusion({ height: 224, width: 224 }, settings);
  const own = seed % labels.length;
  const place = random.below(plan.positions);
  const columns = plan.grids[0]?.columns ?? 1;
  const scores = new Float32Array(plan.positions);
  const predictedClasses = new Int32Array(plan.positions).fill(own);
  for (const at of scores.keys()) {
    const distance =
      (Math.floor(at / columns) - Math.floor(place / columns)) ** 2 +
      ((at % columns) - (place % columns)) ** 2;
    scores[at] = 0.9 - 0.7 * Math.exp(-distance / 8) - 0.02 * random.uniform();
    if (distance < 3) predictedClasses[at] = (own + 1 + random.below(3)) % labels.length;
  }
  const predicted = { index: own, label: labels[own] ?? '', probability: 0.9 };
  const targets = [{ index: own, label: labels[own] ?? '', score: 0.9 }];
  return {
    plan,
    scores: [scores],
    predictedClasses,
    baseline: { predicted, targets },
    faithfulness: null,
  };
}
