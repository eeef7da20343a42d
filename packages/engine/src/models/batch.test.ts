import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { patchBox } from '@umbra/shared/occlusion/grid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadOnnxruntime } from '../backends/onnxruntime.js';
import { openEngine } from '../engine.js';
import { copyBox } from '../occlusion/copy.js';
import { tinyNetwork, writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx, type Network, type Node } from '../testing/tiny-onnx.js';
import type { Engine } from '../types.js';
import { checkModel } from './check.js';
import { describeFolder } from './describe.js';
import { addModel } from './registry.js';
import { seededImage } from './try-images.js';

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-batch-'));
  engine = openEngine({ inferenceThreads: 2 });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const tiny = tinyNetwork();
const side = 32;

/** The tiny network behind nodes that make `input` of the image. */
const behind = (nodes: readonly Node[]): Network => ({
  ...tiny,
  nodes: [...nodes, ...tiny.nodes],
  input: { name: 'image', shape: ['N', 3, side, side] },
});
const closed: Network = {
  ...tiny,
  nodes: tiny.nodes.map((node) =>
    node.op === 'Flatten' ? { ...node, op: 'Reshape', inputs: ['pooled', 'shape'] } : node,
  ),
  weights: [...tiny.weights, { name: 'shape', shape: [2], values: [1, 8], whole: true }],
  input: { name: 'input', shape: ['N', 3, side, side] },
};
/** Each leads to scores of an image that depend on the other images of its batch. */
const mixing = {
  'a maximum over the whole batch': behind([
    { op: 'ReduceMax', inputs: ['image'], output: 'highest' },
    { op: 'Sub', inputs: ['image', 'highest'], output: 'input' },
  ]),
  'dynamic quantisation': behind([
    {
      op: 'DynamicQuantizeLinear',
      inputs: ['image'],
      output: 'q',
      otherOutputs: ['scale', 'zero'],
    },
    { op: 'DequantizeLinear', inputs: ['q', 'scale', 'zero'], output: 'input' },
  ]),
};
const networks: Record<string, Network> = { 'a shape of one image inside': closed, ...mixing };

async function add(name: string, network: Network) {
  const file = join(folder, `${name.replaceAll(' ', '-')}.onnx`);
  await writeFile(file, encodeOnnx(network));
  const staged = await describeFolder(file, { scale: 1 / 255, output: 'logits' });
  return { staged, ...(await addModel(join(folder, 'registry'), staged)) };
}

describe.each(Object.entries(networks))('a network with %s', (name, network) => {
  test('is added to be run one image at a time, once', async () => {
    const { folder: path, staged } = await add(name, network);
    const steps = await checkModel(path);
    expect(steps.filter(({ ok }) => ok !== true)).toEqual([]);
    expect(steps[0]?.detail).toContain('one image at a time');
    expect((await engine.open(path)).bundle.batch).toBe(1);
    expect(await addModel(join(folder, 'registry'), staged)).toMatchObject({ known: true });
  });

  test('scores each position as it scores that image alone, in every shard', async () => {
    const { folder: path } = await add(name, network);
    const model = await engine.open(path);
    const { input } = model.bundle;
    const size = { height: side, width: side };
    const frame = {
      photo: size,
      resized: size,
      crop: { top: 0, left: 0, bottom: side, right: side },
    };
    const image = { ...size, frame, tensor: seededImage(input, 200) };
    const settings = occlusionSettings.parse({
      patch: 8,
      stride: 8,
      score: 'logit',
      fill: { kind: 'constant', value: 3, space: 'normalized' },
      target: { kind: 'class', index: 1 },
    });
    const filled = new Float32Array(image.tensor.length).fill(3);
    const alone = await loadOnnxruntime(path, model.bundle, { provider: 'cpu', sessionThreads: 1 });
    const resolved = model.resolve(settings, size);
    const [grid] = resolved.plan.grids;
    if (grid === undefined) throw new Error('nothing is run');
    const expected: number[] = [];
    for (let position = 0; position < grid.rows * grid.columns; position++) {
      const box = patchBox(grid, Math.floor(position / grid.columns), position % grid.columns);
      const tensor = image.tensor.slice();
      copyBox(tensor, filled, { ...size, layout: 'NCHW', channels: 'RGB' }, box);
      expected.push((await alone.run(tensor, 1, side, side))[1] ?? Number.NaN);
    }
    await alone.close();
    const strategies = name in mixing ? (['dense'] as const) : (['dense', 'incremental'] as const);
    for (const strategy of strategies) {
      const run = model.resolve({ ...settings, strategy }, size);
      const whole = await model.occlude(image, run);
      expect(whole.scores[0]).toHaveLength(expected.length);
      for (const [position, score] of expected.entries()) {
        expect(whole.scores[0]?.[position]).toBeCloseTo(score, 5);
      }
      const shards: number[] = [];
      for (let rowStart = 0; rowStart < grid.rows; rowStart++) {
        const { scores } = await model.occlude(image, run, {
          rows: { rowStart, rowEnd: rowStart + 1 },
        });
        shards.push(...(scores[0] ?? []));
      }
      expect(shards).toEqual([...(whole.scores[0] ?? [])]);
    }
    expect(new Set(expected).size).toBeGreaterThan(10);
  });

  test('fails its check, and says what to do, where its bundle does not say so', async () => {
    const path = await writeTinyBundle(folder, {
      name: `open-${name.replaceAll(' ', '-')}`,
      onnx: encodeOnnx(network),
    });
    const failed = (await checkModel(path)).find(({ ok }) => ok === false);
    expect(failed).toMatchObject({ name: 'forward pass' });
    expect(failed?.detail).toContain('set batch to 1 in bundle.json');
  });
});

test('a fixed batch is filled up with the image itself, so that it is scored alone', async () => {
  const network = {
    ...mixing['a maximum over the whole batch'],
    input: { name: 'image', shape: [4, 3, side, side] },
    output: { name: 'logits', shape: [4, 5] },
  };
  const { folder: path } = await add('four', network);
  const { bundle } = await engine.open(path);
  expect(bundle.batch).toBe(1);
});

test('a network that runs on no image is refused when it is added', async () => {
  const network = {
    ...closed,
    weights: [...tiny.weights, { name: 'shape', shape: [2], values: [3, 8], whole: true }],
  };
  await expect(add('broken', network)).rejects.toThrow(
    /Expected model 'broken' to pass its check, got a failure of forward pass: .*\[1,3,32,32\]/,
  );
});
