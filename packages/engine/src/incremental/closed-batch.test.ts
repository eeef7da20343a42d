import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEngine } from '../engine.js';
import { hashedUniform } from '../testing/known-networks.js';
import { writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx, type Network } from '../testing/tiny-onnx.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-closed-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const size = 32;
const hashed = (name: string, shape: readonly number[], from: number) => {
  const length = shape.reduce((product, extent) => product * extent, 1);
  const values = Array.from({ length }, (_, at) => hashedUniform(from + at));
  return { name, shape, values };
};
const whole = (name: string, values: readonly number[]) => {
  return { name, shape: [values.length], values, whole: true };
};

/** A stem, and a head that joins a class token of one image to its tokens, as ViT exported for one does. */
const classToken: Network = {
  nodes: [
    {
      op: 'Conv',
      inputs: ['input', 'stem'],
      output: 'map',
      attributes: [{ name: 'strides', ints: [2, 2] }],
    },
    { op: 'Relu', inputs: ['map'], output: 'active' },
    { op: 'Reshape', inputs: ['active', 'extents'], output: 'rows' },
    {
      op: 'Transpose',
      inputs: ['rows'],
      output: 'tokens',
      attributes: [{ name: 'perm', ints: [0, 2, 1] }],
    },
    {
      op: 'Concat',
      inputs: ['class', 'tokens'],
      output: 'all',
      attributes: [{ name: 'axis', int: 1 }],
    },
    { op: 'MatMul', inputs: ['all', 'turned'], output: 'mixed' },
    {
      op: 'ReduceMax',
      inputs: ['mixed'],
      output: 'largest',
      attributes: [
        { name: 'axes', ints: [1] },
        { name: 'keepdims', int: 0 },
      ],
    },
    { op: 'Gemm', inputs: ['largest', 'dense'], output: 'logits' },
  ],
  weights: [
    hashed('stem', [8, 3, 2, 2], 0),
    hashed('class', [1, 1, 8], 1000),
    hashed('turned', [8, 8], 2000),
    hashed('dense', [8, 5], 3000),
    whole('extents', [1, 8, 256]),
  ],
  input: { name: 'input', shape: [1, 3, size, size] },
  output: { name: 'logits', shape: [1, 5] },
};

test('a file for one image alone is run by segments, its end one position at a time', async () => {
  const path = await writeTinyBundle(folder, { size, onnx: encodeOnnx(classToken) });
  const engine = openEngine({ inferenceThreads: 1 });
  const model = await engine.open(path);
  const extent = { height: size, width: size };
  const crop = { top: 0, left: 0, bottom: size, right: size };
  const photo = {
    ...extent,
    tensor: Float32Array.from({ length: 3 * size * size }, (_, at) => 4 * hashedUniform(at)),
    frame: { photo: extent, resized: extent, crop },
  };
  const run = async (strategy: 'dense' | 'incremental') => {
    const settings = occlusionSettings.parse({ patch: 8, stride: 4, strategy, score: 'logit' });
    const { scores, provenance } = await model.occlude(photo, model.resolve(settings, photo));
    expect(provenance.strategy).toBe(strategy);
    return [...(scores[0] ?? [])];
  };
  const [dense, incremental] = [await run('dense'), await run('incremental')];
  const spread = Math.max(...dense) - Math.min(...dense);
  expect(spread).toBeGreaterThan(0.01);
  for (const [at, score] of dense.entries()) {
    expect(Math.abs(score - (incremental[at] ?? Number.NaN))).toBeLessThan(1e-4 * spread);
  }
  await engine.close();
});
