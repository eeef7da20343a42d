import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../engine.js';
import type { ModelInput } from '../image/preprocess.js';
import { plantedNetwork } from '../testing/planted-network.js';
import { writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx } from '../testing/tiny-onnx.js';
import type { Engine, OpenModel } from '../types.js';
import { attributeTargets } from './attribution.js';
import { randomBlocks } from './check-order.js';

test('blocks of the patch go one after another, in an order of the seed', () => {
  const size = { height: 5, width: 6 };
  const map = randomBlocks(size, { height: 2, width: 3 }, 1);
  const at = (y: number, x: number) => map[y * 6 + x];
  const blocks = [0, 2, 4].flatMap((y) => [0, 3].map((x) => at(y, x)));
  expect(blocks.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
  for (let y = 0; y < 5; y++) {
    for (let x = 0; x < 6; x++) expect(at(y, x)).toBe(at(y - (y % 2), x - (x % 3)));
  }
  expect(randomBlocks(size, { height: 2, width: 3 }, 1)).toEqual(map);
  expect(randomBlocks(size, { height: 2, width: 3 }, 2)).not.toEqual(map);
});

describe('a network that looks at one corner', () => {
  const side = 32;
  const steps = 16;
  let folder: string;
  let engine: Engine;
  let model: OpenModel;
  const size = { height: side, width: side };
  /** White: the corner says yes. */
  const white: ModelInput = {
    ...size,
    tensor: new Float32Array(3 * side * side).fill(1),
    frame: { photo: size, resized: size, crop: { top: 0, left: 0, bottom: side, right: side } },
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'umbra-order-'));
    engine = openEngine({ inferenceThreads: 2 });
    const corner = { top: 0, left: 0, bottom: 8, right: 8 };
    const onnx = encodeOnnx(plantedNetwork({ side, corner, gain: 12 }));
    const labels = ['no', 'yes'];
    model = await engine.open(
      await writeTinyBundle(folder, { size: side, onnx, labels, classes: 2 }),
    );
  });
  afterAll(async () => {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  });

  const settings = occlusionSettings.parse({
    patch: 8,
    stride: 8,
    fill: { kind: 'constant', value: 0, space: 'normalized' },
  });
  const check = async (seed: number, map?: Float32Array) => {
    const run = model.resolve(settings, size);
    const { plan, scores, baseline } = await model.occlude(white, run);
    const attribution = map ?? attributeTargets(plan, scores, baseline)[0];
    if (attribution === undefined) throw new Error('Expected a map');
    const { fill } = settings;
    return model.checkOrder(white, { attribution, index: 1, fill, patch: run.patch, steps, seed });
  };

  test("its map's order is far better than a random one, which follows from the seed", async () => {
    const found = await check(1);
    // Yes is 1 with the corner, 0 without; each step of 64 px is one block, and the corner is the first.
    expect(found.deletion).toBeCloseTo(0.5 / steps, 2);
    expect(found.insertion).toBeCloseTo(1 - 0.5 / steps, 2);
    // In a random order the corner is one of 16 blocks: the area is a multiple of a step.
    const blocks = randomBlocks(size, { height: 8, width: 8 }, 1);
    const place = 15 - Number(blocks[0]);
    expect(found.randomDeletion).toBeCloseTo((place + 0.5) / steps, 2);
    expect(found.randomInsertion).toBeCloseTo(1 - (place + 0.5) / steps, 2);
    expect(await check(1)).toEqual(found);
    expect((await check(2)).randomDeletion).not.toBe(found.randomDeletion);
  });

  test('a map of another extent, or with NaN, is refused', async () => {
    const nan = new Float32Array(side * side).fill(Number.NaN);
    for (const map of [new Float32Array(3), nan]) {
      await expect(check(1, map)).rejects.toMatchObject({ code: 'invalid_input' });
    }
  });
});
