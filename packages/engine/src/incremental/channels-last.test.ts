import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEngine } from '../engine.js';
import { hashedUniform } from '../testing/known-networks.js';
import { tinyNetwork, writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx } from '../testing/tiny-onnx.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-nhwc-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ['turns them', false],
  ['scales and then turns them', true],
])('a network that takes channels last and %s is run by segments too', async (name, isScaled) => {
  const plain = tinyNetwork();
  const nodes = plain.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name === 'input' ? 'turned' : name)),
  }));
  const turn = {
    op: 'Transpose',
    inputs: [isScaled ? 'scaled' : 'input'],
    output: 'turned',
    attributes: [{ name: 'perm', ints: [0, 3, 1, 2] }],
  };
  const input = { name: 'input', shape: ['N', 'H', 'W', 3] };
  const scale = { op: 'Mul', inputs: ['input', 'scale'], output: 'scaled' };
  const weights = [...plain.weights, { name: 'scale', shape: [3], values: [0.5, 1, 2] }];
  const first = isScaled ? [scale, turn] : [turn];
  const onnx = encodeOnnx({ ...plain, weights, nodes: [...first, ...nodes], input });
  const path = await writeTinyBundle(folder, {
    name: name.replaceAll(' ', '-'),
    size: 64,
    onnx,
    input: { layout: 'NHWC' },
  });
  const engine = openEngine({ inferenceThreads: 1 });
  const model = await engine.open(path);
  const extent = { height: 64, width: 64 };
  const photo = {
    ...extent,
    tensor: Float32Array.from({ length: 3 * 64 * 64 }, (_, at) => 4 * hashedUniform(at)),
    frame: { photo: extent, resized: extent, crop: { top: 0, left: 0, bottom: 64, right: 64 } },
  };
  const run = async (strategy: 'dense' | 'incremental') => {
    const settings = occlusionSettings.parse({ patch: 8, stride: 8, strategy });
    const { scores, provenance } = await model.occlude(photo, model.resolve(settings, photo));
    expect(provenance.strategy).toBe(strategy);
    return [...(scores[0] ?? [])];
  };
  const [dense, incremental] = [await run('dense'), await run('incremental')];
  expect(new Set(dense).size).toBeGreaterThan(10);
  const spread = Math.max(...dense) - Math.min(...dense);
  for (const [at, score] of dense.entries()) {
    expect(Math.abs(score - (incremental[at] ?? Number.NaN))).toBeLessThan(1e-4 * spread);
  }
  await engine.close();
});
