import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../engine.js';
import { imageLength } from '../image/pixel-format.js';
import type { ModelInput } from '../image/preprocess.js';
import { plantedNetwork } from '../testing/planted-network.js';
import { tinyNetwork, writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx, type Network } from '../testing/tiny-onnx.js';
import { pooledTfjs, writeTfjsBundle } from '../testing/tiny-tfjs.js';
import type { Engine, OpenModel } from '../types.js';
import { useNetwork } from './network.js';
import { meanOverPlaces } from './run-features.js';

const sample = fileURLToPath(new URL('../../../../models/efficientnet-lite0', import.meta.url));
const side = 32;
const tiny = tinyNetwork();

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-features-'));
  engine = openEngine({ inferenceThreads: 2 });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

function inputFor({ bundle: { input } }: OpenModel, seed: number): ModelInput {
  const { height, width } = input;
  const length = imageLength(input, input);
  const tensor = Float32Array.from({ length }, (_, at) => Math.sin(at * (seed + 1) * 0.37 + seed));
  const crop = { top: 0, left: 0, bottom: height, right: width };
  return { height, width, tensor, frame: { photo: input, resized: input, crop } };
}

async function featuresOf(model: OpenModel, inputs: readonly ModelInput[], layer?: string) {
  const features = await model.openFeatures(layer);
  const rows: Float32Array[] = [];
  for await (const row of features.run(inputs)) rows.push(row);
  await features.close();
  for (const row of rows) expect(row).toHaveLength(features.channels);
  return { layer: features.layer, rows };
}

/** Activations of a layer for one input, computed in this thread. */
const activationsOf = (path: string, { bundle }: OpenModel, layer: string, input: ModelInput) =>
  useNetwork(path, bundle, undefined, async ({ graph, upTo }) => {
    const node = graph.nodes.find(({ name }) => name === layer);
    if (node === undefined) throw new Error(`Expected a layer '${layer}'`);
    const part = await upTo(node);
    const found = await part.run(input.tensor);
    await part.close();
    return found;
  });

test('numbers of each channel are averaged over all places', () => {
  const data = Float32Array.of(1, 3, 5, 7, 10, 20, 30, 40);
  expect([...meanOverPlaces({ shape: [1, 2, 2, 2], data }, 1)]).toEqual([4, 25]);
  expect([...meanOverPlaces({ shape: [1, 2, 2, 2], data }, 3)]).toEqual([11.5, 17.5]);
  expect([...meanOverPlaces({ shape: [1, 4, 2], data }, 2)]).toEqual([11.5, 17.5]);
  expect([...meanOverPlaces({ shape: [1, 8], data }, 1)]).toEqual([...data]);
});

/** The layer that each network is to be told by, its channels, and whether it has places. */
const networks: Record<
  string,
  { network: Network; layer: string; channels: number; places: number }
> = {
  'a product after global pooling': {
    network: tiny,
    layer: 'GlobalAveragePool pooled',
    channels: 8,
    places: 1,
  },
  'a product of all places of a map': {
    network: {
      ...tiny,
      nodes: [
        ...tiny.nodes.slice(0, 4),
        { op: 'Flatten', inputs: ['r2'], output: 'flat' },
        { op: 'Gemm', inputs: ['flat', 'dense'], output: 'logits' },
      ],
      weights: [
        ...tiny.weights.slice(0, 2),
        {
          name: 'dense',
          shape: [512, 5],
          values: Array.from({ length: 2560 }, (_, at) => Math.cos(at)),
        },
      ],
      input: { name: 'input', shape: ['N', 3, side, side] },
    },
    layer: 'Relu r2',
    channels: 8,
    places: 64,
  },
  'a head that is a convolution of 1 x 1': {
    network: {
      ...tiny,
      nodes: [
        ...tiny.nodes.slice(0, 4),
        { op: 'Conv', inputs: ['r2', 'head'], output: 'maps' },
        { op: 'GlobalAveragePool', inputs: ['maps'], output: 'pooled' },
        { op: 'Flatten', inputs: ['pooled'], output: 'logits' },
      ],
      weights: [
        ...tiny.weights.slice(0, 2),
        {
          name: 'head',
          shape: [5, 8, 1, 1],
          values: Array.from({ length: 40 }, (_, at) => Math.cos(at)),
        },
      ],
    },
    layer: 'Relu r2',
    channels: 8,
    places: 64,
  },
  'a product of the picture itself': {
    network: plantedNetwork({ side, corner: { top: 0, left: 0, bottom: 8, right: 8 } }),
    layer: 'Gemm logits',
    channels: 2,
    places: 1,
  },
};

describe.each(Object.entries(networks))('of %s', (name, { network, layer, channels, places }) => {
  test('features are the mean activations of its default layer', async () => {
    const onnx = encodeOnnx(network);
    const path = await writeTinyBundle(folder, {
      name: name.replaceAll(' ', '-'),
      onnx,
      labels: null,
      output: 'logits',
    });
    const model = await engine.open(path);
    const inputs = Array.from({ length: 11 }, (_, seed) => inputFor(model, seed));
    const found = await featuresOf(model, inputs);
    expect(found.layer).toBe(layer);
    expect(found.rows).toHaveLength(inputs.length);
    for (const [nth, row] of found.rows.entries()) {
      const input = inputs[nth] as ModelInput;
      const { shape, data } = await activationsOf(path, model, layer, input);
      expect(shape.slice(0, 2)).toEqual([1, channels]);
      expect(row).toHaveLength(channels);
      for (const [channel, value] of row.entries()) {
        const own = data.subarray(channel * places, (channel + 1) * places);
        expect(value).toBeCloseTo(own.reduce((sum, one) => sum + one, 0) / places, 5);
      }
    }
  });
});

describe('a tiny network', () => {
  let model: OpenModel;
  beforeAll(async () => {
    model = await engine.open(await writeTinyBundle(folder));
  });

  test('a layer may be named, and whole runs go on beside', async () => {
    const inputs = [1, 2, 3].map((seed) => inputFor(model, seed));
    const classify = async () => {
      const outputs: Float32Array[] = [];
      for await (const { output } of model.classify(inputs)) outputs.push(output);
      return outputs;
    };
    const before = await classify();
    const [features, conv, beside] = await Promise.all([
      featuresOf(model, inputs),
      featuresOf(model, inputs, 'conv:0'),
      classify(),
    ]);
    expect(conv.layer).toBe('Conv c1');
    expect(conv.rows[0]).toHaveLength(8);
    expect(beside).toEqual(before);
    // What follows the pooling is a product: it gives the scores.
    const head = tiny.weights[2]?.values ?? [];
    for (const [nth, output] of before.entries()) {
      for (const [index, score] of output.entries()) {
        const row = features.rows[nth] ?? new Float32Array(8);
        const product = row.reduce(
          (sum, value, channel) => sum + value * Number(head[channel * 5 + index]),
          0,
        );
        expect(product).toBeCloseTo(score, 4);
      }
    }
  });

  test('an unknown layer, another extent and numbers that are none are refused', async () => {
    await expect(model.openFeatures('nowhere')).rejects.toMatchObject({ code: 'not_found' });
    const input = inputFor(model, 1);
    const large = { ...input, height: 64, tensor: new Float32Array(2 * input.tensor.length) };
    await expect(featuresOf(model, [large])).rejects.toMatchObject({
      code: 'invalid_input',
      message:
        'Expected inputs of 32 x 32 px (height x width), for which the layer was opened, got 64 x 32 px',
    });
    const broken = { ...input, tensor: input.tensor.map(() => Number.NaN) };
    await expect(featuresOf(model, [broken])).rejects.toMatchObject({ code: 'integrity' });
  });

  test('a layer that cannot be run for one image is refused when it is opened', async () => {
    const onnx = encodeOnnx({
      ...tiny,
      nodes: tiny.nodes.map((node) =>
        node.op === 'Flatten' ? { ...node, op: 'Reshape', inputs: ['pooled', 'shape'] } : node,
      ),
      weights: [...tiny.weights, { name: 'shape', shape: [2], values: [4, 8], whole: true }],
      input: { name: 'input', shape: [4, 3, side, side] },
      output: { name: 'logits', shape: [4, 5] },
    });
    const path = await writeTinyBundle(folder, { name: 'four', onnx });
    const fixed = await engine.open(path);
    // Before the reshape it can.
    expect((await featuresOf(fixed, [inputFor(fixed, 1)])).layer).toBe('GlobalAveragePool pooled');
    await expect(fixed.openFeatures('Reshape flat')).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining("Model 'four' does not run up to layer 'Reshape flat'"),
    });
  });

  test('a signal ends a run', async () => {
    const features = await model.openFeatures();
    const signal = AbortSignal.abort();
    await expect(features.run([inputFor(model, 1)], { signal }).next()).rejects.toMatchObject({
      code: 'cancelled',
    });
    await features.close();
  });
});

test('a TensorFlow.js model is looked into through its conversion', async () => {
  const path = await writeTfjsBundle(folder, pooledTfjs(side), { output: 'probabilities' });
  const model = await engine.open(path);
  const input = inputFor(model, 3);
  const { rows, layer } = await featuresOf(model, [input, input]);
  expect(rows[0]).toHaveLength(4);
  expect(rows[1]).toEqual(rows[0]);
  const { data } = await activationsOf(path, model, layer, input);
  for (const [channel, value] of data.entries()) expect(rows[0]?.[channel]).toBeCloseTo(value, 5);
});

test('the sample model is told by its 1280 pooled channels', async () => {
  const model = await engine.open(sample);
  const { rows, layer } = await featuresOf(model, [inputFor(model, 1), inputFor(model, 2)]);
  expect(layer).toBe('/_avg_pooling/GlobalAveragePool');
  expect(rows.map(({ length }) => length)).toEqual([1280, 1280]);
  expect(rows[0]).not.toEqual(rows[1]);
});
