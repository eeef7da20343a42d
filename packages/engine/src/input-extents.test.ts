import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { type OcclusionSettingsInput, occlusionSettings } from '@umbra/shared/contracts/settings';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from './engine.js';
import { prepareImage } from './image/preprocess.js';
import { randomNetwork, seededRandom } from './testing/random-network.js';
import { tinyNetwork, writeTinyBundle } from './testing/tiny-bundle.js';
import { encodeOnnx, type Network } from './testing/tiny-onnx.js';
import type { Engine, OpenModel } from './types.js';

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-extents-'));
  engine = openEngine({ inferenceThreads: 2 });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

/** A photo without structure, so that every position scores differently. */
function noisePhoto(width: number, height: number, seed = 1): Promise<Buffer> {
  const random = seededRandom(seed);
  const pixels = Buffer.from(
    Array.from({ length: width * height * 3 }, () => Math.floor(random() * 256)),
  );
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return image.png().toBuffer();
}

const open = async (
  name: string,
  input: Partial<ModelBundle['input']>,
  network: Network = tinyNetwork(),
): Promise<OpenModel> =>
  engine.open(await writeTinyBundle(folder, { name, input, onnx: encodeOnnx(network) }));

const run = async (model: OpenModel, photo: Buffer, settings: OcclusionSettingsInput) => {
  const input = await prepareImage(photo, model.bundle.input);
  return model.occlude(input, model.resolve(occlusionSettings.parse(settings), input));
};
const scoresOf = ({ scores }: { readonly scores: readonly Float32Array[] }): number[] =>
  scores.flatMap((one) => [...one]);

const small = {
  patch: { height: 12, width: 9 },
  stride: { y: 7, x: 8 },
  target: { kind: 'top', k: 3 },
} satisfies OcclusionSettingsInput;

/** @returns The extent and grid of the run, whose strategies were compared. */
async function compare(model: OpenModel, photo: Buffer, settings: OcclusionSettingsInput = small) {
  const dense = await run(model, photo, { ...settings, strategy: 'dense' });
  const incremental = await run(model, photo, { ...settings, strategy: 'incremental' });
  const [expected, found] = [scoresOf(dense), scoresOf(incremental)];
  expect(found).toHaveLength(expected.length);
  expect(new Set(expected).size).toBeGreaterThan(expected.length / 2);
  for (const [index, score] of expected.entries()) {
    expect(Math.abs((found[index] ?? Number.NaN) - score)).toBeLessThanOrEqual(1e-5);
  }
  expect(incremental.predictedClasses).toEqual(dense.predictedClasses);
  return dense;
}

describe('inputs of any extent', () => {
  test.each([
    [40, 72],
    [72, 40],
  ])('%i x %i px, cut out of photos of both orientations', async (height, width) => {
    const resize = { rule: 'crop', shorterSide: 76 } as const;
    const model = await open(`crop-${height}`, { height, width, resize });
    for (const photo of [await noisePhoto(90, 120), await noisePhoto(130, 80)]) {
      const { plan } = await compare(model, photo);
      const [grid] = plan.grids;
      expect(grid).toMatchObject({ rows: Math.ceil((height - 12) / 7) + 1 });
      expect(grid).toMatchObject({ columns: Math.ceil((width - 9) / 8) + 1 });
    }
  });

  test('squashed into an oblong', async () => {
    const model = await open('squash', { height: 40, width: 56, resize: { rule: 'squash' } });
    await compare(model, await noisePhoto(90, 50));
  });

  test('one that varies with the photo', async () => {
    const model = await open('fit', { resize: { rule: 'fit', shorterSide: 40 } });
    const extents = [];
    for (const [width, height] of [
      [80, 80],
      [120, 60],
      [50, 75],
    ] as const) {
      const photo = await noisePhoto(width, height);
      const input = await prepareImage(photo, model.bundle.input);
      extents.push([input.height, input.width]);
      await compare(model, photo);
    }
    expect(extents).toEqual([
      [40, 40],
      [40, 80],
      [60, 40],
    ]);
  });

  test.each([3, 5, 8, 13])('a random network of fixed oblong input, seed %i', async (seed) => {
    const size = { height: 36, width: 52 };
    const network = randomNetwork(seededRandom(seed), size, 5);
    const input = { ...size, resize: { rule: 'squash' } as const };
    await compare(await open(`random-${seed}`, input, network), await noisePhoto(90, 50, seed));
  });
});

describe('a network that takes one image a call', () => {
  const tiny = tinyNetwork();
  const fixed: Network = {
    ...tiny,
    // What an exporter writes that knows of one image only.
    nodes: tiny.nodes.map((node) =>
      node.op === 'Flatten' ? { op: 'Reshape', inputs: ['pooled', 'shape'], output: 'flat' } : node,
    ),
    weights: [...tiny.weights, { name: 'shape', shape: [2], values: [1, -1], whole: true }],
    input: { name: 'input', shape: [1, 3, 48, 48] },
    output: { name: 'logits', shape: [1, 5] },
  };
  const input = { height: 48, width: 48, resize: { rule: 'squash' } } as const;

  test('gives what it gives in batches', async () => {
    const photo = await noisePhoto(60, 60);
    const one = await compare(await open('one', input, fixed), photo);
    const many = await compare(await open('many', input), photo);
    const [expected, found] = [scoresOf(many), scoresOf(one)];
    for (const [index, score] of expected.entries()) expect(found[index]).toBeCloseTo(score, 6);
  });
});

describe.each(['dense', 'incremental'] as const)(
  '%s scores are the same to the last bit',
  (strategy) => {
    const settings = { ...small, strategy, score: 'logit' } satisfies OcclusionSettingsInput;
    const input = { height: 64, width: 48, resize: { rule: 'squash' } } as const;

    test('whatever rows are asked for together', async () => {
      const model = await open('rows', input);
      const image = await prepareImage(await noisePhoto(50, 60), model.bundle.input);
      const parsed = occlusionSettings.parse(settings);
      const whole = await model.occlude(image, model.resolve(parsed, image));
      for (const step of [1, 2, 5]) {
        const parts = [];
        for (let rowStart = 0; rowStart < whole.plan.rows; rowStart += step) {
          const rowEnd = Math.min(rowStart + step, whole.plan.rows);
          parts.push(
            await model.occlude(image, model.resolve(parsed, image), {
              rows: { rowStart, rowEnd },
            }),
          );
        }
        for (const [target, scores] of whole.scores.entries()) {
          expect(parts.flatMap((part) => [...(part.scores[target] ?? [])])).toEqual([...scores]);
        }
      }
    });

    test('whatever the threads and the memory', async () => {
      const photo = await noisePhoto(50, 60);
      const expected = await run(await open('threads', input), photo, settings);
      for (const options of [
        { inferenceThreads: 1, batchBytes: 1 },
        { inferenceThreads: 3, batchBytes: 8 << 20 },
      ]) {
        const other = openEngine(options);
        try {
          const found = await run(await other.open(join(folder, 'threads')), photo, settings);
          expect(found.scores).toEqual(expected.scores);
          expect(found.baseline).toEqual(expected.baseline);
        } finally {
          await other.close();
        }
      }
    });

    test('whatever other images are run at once', async () => {
      const model = await open('at-once', input);
      const photos = await Promise.all([1, 2, 3, 4].map((seed) => noisePhoto(50, 60, seed)));
      const alone = [];
      for (const photo of photos) alone.push(scoresOf(await run(model, photo, settings)));
      const together = await Promise.all(photos.map((photo) => run(model, photo, settings)));
      expect(together.map(scoresOf)).toEqual(alone);
      expect(alone[0]).not.toEqual(alone[1]);
    });
  },
);
