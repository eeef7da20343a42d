import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-layers';
import { tfjsChoices } from '@umbra/shared/contracts/provider';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { parseTemporaryName } from '@umbra/shared/temporary-name';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../backends/backend.js';
import { loadOnnxruntime } from '../backends/onnxruntime.js';
import { loadTfjs } from '../backends/tfjs.js';
import { openTfjs } from '../backends/tfjs-runtime.js';
import { openEngine } from '../engine.js';
import { planar } from '../image/layout.js';
import type { ModelInput } from '../image/preprocess.js';
import { readBundle } from '../models/bundle.js';
import { describeFolder } from '../models/describe.js';
import { readTfjsFacts } from '../models/tfjs-facts.js';
import { openNetwork } from '../network/network.js';
import { hashedUniform } from '../testing/known-networks.js';
import {
  type TfjsArtifacts,
  type TfjsBundleOptions,
  writeTfjsBundle,
} from '../testing/tiny-tfjs.js';
import { openConvertedModel } from './open-converted.js';

/** `npm run test:tfjs-node` names the native backend. */
const tfjs = tfjsChoices.find((choice) => choice === process.env.UMBRA_TFJS) ?? 'auto';

const size = 32;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-tfjs-'));
  await openTfjs(tfjs);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const { layers } = tf;
const image = () => tf.input({ shape: [size, size, 3] });
const seeded = () => tf.initializers.glorotNormal({ seed: 7 });
const conv = (filters: number, more: object = {}) =>
  layers.conv2d({ filters, kernelSize: 3, kernelInitializer: seeded(), ...more });

/** Blocks of the networks people have. */
const networks: Readonly<Record<string, () => tf.LayersModel>> = {
  plain: () =>
    tf.sequential({
      layers: [
        conv(4, { inputShape: [size, size, 3], padding: 'same', activation: 'relu' }),
        layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
        layers.batchNormalization(),
        conv(6, { strides: 2, useBias: false, dilationRate: 1 }),
        layers.leakyReLU({ alpha: 0.1 }),
        layers.dropout({ rate: 0.5 }),
        layers.flatten(),
        layers.dense({ units: 8, activation: 'tanh' }),
        layers.dense({ units: 5, activation: 'softmax' }),
      ],
    }),
  residual: () => {
    const input = image();
    const stem = conv(4, { padding: 'same' }).apply(input);
    const left = layers
      .reLU({ maxValue: 6 })
      .apply(conv(4, { padding: 'same', dilationRate: 2 }).apply(stem));
    const sum = layers.add().apply([left, stem] as tf.SymbolicTensor[]);
    const joined = layers.concatenate().apply([sum, stem] as tf.SymbolicTensor[]);
    const pooled = layers.averagePooling2d({ poolSize: 2, padding: 'same' }).apply(joined);
    const activated = layers.activation({ activation: 'sigmoid' }).apply(pooled);
    const flat = layers.globalAveragePooling2d({}).apply(activated);
    return tf.model({
      inputs: input,
      outputs: layers.dense({ units: 5 }).apply(flat) as tf.SymbolicTensor,
    });
  },
  mobile: () => {
    const input = image();
    const padded = layers
      .zeroPadding2d({
        padding: [
          [0, 1],
          [2, 0],
        ],
      })
      .apply(input);
    const spread = layers
      .depthwiseConv2d({ kernelSize: 3, strides: 2, depthMultiplier: 2 })
      .apply(padded);
    const clipped = layers.activation({ activation: 'relu6' }).apply(spread);
    const split = layers
      .separableConv2d({ filters: 6, kernelSize: 3, activation: 'elu' })
      .apply(clipped);
    const slopes = layers
      .prelu({ sharedAxes: [1, 2], alphaInitializer: 'randomNormal' })
      .apply(split);
    const pooled = layers.globalMaxPooling2d({}).apply(slopes);
    const map = layers.reshape({ targetShape: [1, 1, 6] }).apply(pooled);
    const logits = layers.conv2d({ filters: 5, kernelSize: 1 }).apply(map);
    const flat = layers.reshape({ targetShape: [5] }).apply(logits);
    return tf.model({
      inputs: input,
      outputs: layers.softmax({}).apply(flat) as tf.SymbolicTensor,
    });
  },
  nested: () => {
    const inner = tf.sequential({
      layers: [conv(4, { inputShape: [size, size, 3], name: 'inner_conv' }), layers.elu()],
    });
    const input = image();
    const flat = layers.flatten().apply(inner.apply(input) as tf.SymbolicTensor);
    return tf.model({
      inputs: input,
      outputs: layers.dense({ units: 5 }).apply(flat) as tf.SymbolicTensor,
    });
  },
};

async function artifactsOf(model: tf.LayersModel): Promise<TfjsArtifacts> {
  let saved: io.ModelArtifacts = {};
  await model.save({
    save: async (given) => {
      saved = given;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  const data = saved.weightData as ArrayBuffer;
  let at = 0;
  const weights = (saved.weightSpecs ?? []).map(({ name, shape }) => {
    const length = shape.reduce((product, extent) => product * extent, 1);
    const values = new Float32Array(data.slice(at, at + length * 4));
    at += length * 4;
    return { name, shape, values };
  });
  return { format: 'layers-model', topology: saved.modelTopology as object, weights };
}

/** [images, height, width, 3] */
const photos = (count: number) =>
  Float32Array.from({ length: count * size * size * 3 }, (_, at) => 4 * hashedUniform(at));

const softmax = (row: Float32Array) => {
  const powers = row.map(Math.exp);
  return powers.map((power) => power / powers.reduce((sum, one) => sum + one, 0));
};

async function write(artifacts: TfjsArtifacts, options: TfjsBundleOptions = {}) {
  const path = await writeTfjsBundle(folder, artifacts, { size, ...options });
  return { path, ...(await readBundle(path)) };
}

/** Scores by TensorFlow.js and by the translation under onnxruntime. */
async function runBoth(path: string): Promise<[Float32Array, Float32Array]> {
  const { bundle } = await readBundle(path);
  const form = await openConvertedModel(path, bundle);
  if ('reason' in form) throw new Error(form.reason);
  // The sweep of temporary folders knows it by this.
  expect(parseTemporaryName(basename(form.folder))).toMatchObject({ pid: process.pid });
  const backends: Backend[] = [
    await loadTfjs(path, bundle, tfjs),
    await loadOnnxruntime(form.folder, form.bundle, { provider: 'cpu', sessionThreads: 1 }),
  ];
  const [own, translated] = backends as [Backend, Backend];
  const batch = photos(3);
  const one = size * size * 3;
  const planes = new Float32Array(batch.length);
  for (let at = 0; at < 3; at++)
    planes.set(planar(batch.subarray(at * one, (at + 1) * one), 3), at * one);
  const rows = await own.run(batch, 3, size, size);
  const others = await translated.run(planes, 3, size, size);
  for (const backend of backends) await backend.close();
  await form.close();
  return [rows, others];
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, at) => Math.abs(value - (b[at] ?? Number.NaN))));

const inputOf = (): ModelInput => {
  const crop = { top: 0, left: 0, bottom: size, right: size };
  const extent = { height: size, width: size };
  return { ...extent, tensor: photos(1), frame: { photo: extent, resized: extent, crop } };
};

describe.each(Object.keys(networks))('the %s network', (name) => {
  test('gives the same scores by TensorFlow.js and by ONNX, dense and incremental', async () => {
    const artifacts = await artifactsOf((networks[name] as () => tf.LayersModel)());
    const output = name === 'plain' || name === 'mobile' ? 'probabilities' : 'logits';
    const { path } = await write(artifacts, { name, output });
    const [own, translated] = await runBoth(path);
    expect(own).toHaveLength(15);
    expect(worst(own, translated)).toBeLessThan(1e-5);
    const engine = openEngine({ inferenceThreads: 1, tfjs });
    const model = await engine.open(path);
    const run = async (strategy: 'dense' | 'incremental') => {
      const settings = occlusionSettings.parse({ patch: 8, stride: 6, strategy });
      const { scores, provenance } = await model.occlude(
        inputOf(),
        model.resolve(settings, inputOf()),
      );
      const { name: backend, device } = await openTfjs(tfjs);
      expect(provenance).toMatchObject({ strategy, backend, device });
      return scores[0] ?? new Float32Array();
    };
    const [dense, incremental] = [await run('dense'), await run('incremental')];
    expect(dense).toHaveLength(25);
    expect(worst(dense, incremental)).toBeLessThan(1e-5);
    await engine.close();
  });
});

describe('of several outputs', () => {
  /** Two dense layers over one; the first output has 5 numbers, the second 1. */
  const twoHeads = () => {
    const input = image();
    const flat = layers.flatten().apply(conv(4, { strides: 4 }).apply(input));
    const head = (name: string, units: number, activation: 'softmax' | 'sigmoid') =>
      layers.dense({ name, units, activation, kernelInitializer: seeded() }).apply(flat);
    const outputs = [head('kinds', 5, 'softmax'), head('ripe', 1, 'sigmoid')];
    return tf.model({ inputs: input, outputs: outputs as tf.SymbolicTensor[] });
  };
  const ripe = { kind: 'independent-probabilities', positive: 'ripe' } as const;

  test('of layers the named one is run, by TensorFlow.js and by ONNX', async () => {
    const artifacts = await artifactsOf(twoHeads());
    const single = { ...ripe, name: 'ripe' };
    const { path } = await write(artifacts, { name: 'two-heads', output: single });
    const [own, translated] = await runBoth(path);
    expect(own).toHaveLength(3);
    expect(worst(own, translated)).toBeLessThan(1e-5);
    const kinds = { kind: 'probabilities', name: 'kinds' } as const;
    const other = await write(artifacts, { name: 'kinds', output: kinds });
    const [rows, others] = await runBoth(other.path);
    expect(rows).toHaveLength(15);
    expect(worst(rows, others)).toBeLessThan(1e-5);
    expect(rows.slice(0, 5).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
  });

  test('of layers and of a graph none is taken unless it is named', async () => {
    const artifacts = await artifactsOf(twoHeads());
    const { path, bundle } = await write(artifacts, { name: 'unnamed', output: ripe });
    await expect(loadTfjs(path, bundle, tfjs)).rejects.toThrow('kinds [N, 5], ripe [N, 1]');
    const facts = await readTfjsFacts(path, 'model.json');
    expect(facts.outputs).toEqual([
      { name: 'kinds', shape: [null, 5], kind: 'probabilities' },
      { name: 'ripe', shape: [null, 1], kind: 'independent-probabilities' },
    ]);
    const second = { name: 'negated', op: 'Neg', input: ['biased'], attr: {} };
    const { node } = graph.topology as { node: object[] };
    const forked = { ...graph, topology: { ...graph.topology, node: [...node, second] } };
    const other = await write(forked, { name: 'forked', output: 'probabilities' });
    await expect(loadTfjs(other.path, other.bundle, tfjs)).rejects.toThrow(
      'probabilities (shape not stated), negated (shape not stated)',
    );
    const named = await write(forked, {
      name: 'forked-named',
      output: { kind: 'probabilities', name: 'probabilities' },
    });
    const [own, translated] = await runBoth(named.path);
    expect(worst(own, translated)).toBeLessThan(1e-6);
    const unforked = await write(graph, { name: 'unforked', output: 'probabilities' });
    expect(own).toEqual((await runBoth(unforked.path))[0]);
    const negated = { kind: 'logits', name: 'negated' } as const;
    const { path: negatedPath } = await write(forked, { name: 'forked-negated', output: negated });
    await expect(runBoth(negatedPath)).rejects.toThrow("operation 'Neg' is not known");
  });
});

describe('a graph with a signature', () => {
  const signed = (outputs: Readonly<Record<string, string>>) => ({
    ...graph,
    signature: {
      outputs: Object.fromEntries(
        Object.entries(outputs).map(([key, name]) => [key, { name: `${name}:0` }]),
      ),
    },
  });
  const run = async (name: string, artifacts: TfjsArtifacts, output: string) => {
    const { path } = await write(artifacts, {
      name: `${name}-${output}`,
      output: { kind: output === 'probabilities' ? 'probabilities' : 'logits', name: output },
    });
    const [own, translated] = await runBoth(path);
    expect(worst(own, translated)).toBeLessThan(1e-5);
    return own;
  };

  test('gives the output of that name, whatever the order, and also an inner one', async () => {
    const inner = signed({ last: 'probabilities', row: 'biased' });
    const turned = signed({ row: 'biased', last: 'probabilities' });
    const probabilities = await run('inner', inner, 'probabilities');
    expect(await run('turned', turned, 'probabilities')).toEqual(probabilities);
    const logits = await run('inner', inner, 'biased');
    expect(await run('turned', turned, 'biased')).toEqual(logits);
    for (const at of [0, 1, 2]) {
      const row = logits.subarray(5 * at, 5 * at + 5);
      expect(worst(softmax(row), probabilities.subarray(5 * at, 5 * at + 5))).toBeLessThan(1e-6);
    }
  });
});

describe.each(['uint8', 'uint16', 'float16'] as const)('weights kept as %s', (as) => {
  test('are decoded as TensorFlow.js does', async () => {
    const artifacts = await artifactsOf(networks.residual?.() as tf.LayersModel);
    const small = artifacts.weights.map((weight) => ({ ...weight, as }));
    const { path } = await write({ ...artifacts, weights: small }, { name: `small-${as}` });
    const [own, translated] = await runBoth(path);
    expect(worst(softmax(own), softmax(translated))).toBeLessThan(1e-5);
  });
});

const text = (value: string) => ({ s: Buffer.from(value).toString('base64') });
const whole = (...i: number[]) => ({ list: { i: i.map(String) } });
const random = (name: string, ...shape: number[]) => ({
  name,
  shape,
  values: Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, at) =>
    hashedUniform(at * 31 + name.length),
  ),
});

/** A graph as TensorFlow's converter writes it, with fused operations and constants that shape it. */
const graph: TfjsArtifacts = {
  format: 'graph-model',
  topology: {
    node: [
      {
        name: 'image',
        op: 'Placeholder',
        attr: {
          dtype: { type: 'DT_FLOAT' },
          shape: {
            shape: {
              dim: [{ size: '-1' }, { size: String(size) }, { size: String(size) }, { size: '3' }],
            },
          },
        },
      },
      ...['w1', 'b1', 'w2', 'w3', 'b3', 'scale'].map((name) => ({
        name,
        op: 'Const',
        attr: { dtype: { type: 'DT_FLOAT' } },
      })),
      ...['pads', 'axes', 'axis', 'shape'].map((name) => ({
        name,
        op: 'Const',
        attr: { dtype: { type: 'DT_INT32' } },
      })),
      { name: 'padded', op: 'Pad', input: ['image', 'pads'], attr: { T: { type: 'DT_FLOAT' } } },
      {
        name: 'conv',
        op: '_FusedConv2D',
        input: ['padded', 'w1', 'b1'],
        attr: {
          strides: whole(1, 2, 2, 1),
          padding: text('VALID'),
          dilations: whole(1, 1, 1, 1),
          data_format: text('NHWC'),
          num_args: { i: '1' },
          fused_ops: { list: { s: [text('BiasAdd').s, text('Relu6').s] } },
          epsilon: { f: 0 },
        },
      },
      {
        name: 'depth',
        op: 'DepthwiseConv2dNative',
        input: ['conv', 'w2'],
        attr: {
          strides: whole(1, 1, 1, 1),
          padding: text('SAME'),
          dilations: whole(1, 1, 1, 1),
          data_format: text('NHWC'),
        },
      },
      { name: 'scaled', op: 'Mul', input: ['depth', 'scale'], attr: {} },
      { name: 'summed', op: 'AddV2', input: ['scaled', 'conv'], attr: {} },
      { name: 'thrice', op: 'AddN', input: ['summed', 'depth', 'conv'], attr: { N: { i: '3' } } },
      {
        name: 'joined',
        op: 'ConcatV2',
        input: ['thrice', 'conv', 'axis'],
        attr: { N: { i: '2' } },
      },
      {
        name: 'pooled',
        op: 'MaxPool',
        input: ['joined'],
        attr: {
          ksize: whole(1, 2, 2, 1),
          strides: whole(1, 2, 2, 1),
          padding: text('SAME'),
          data_format: text('NHWC'),
        },
      },
      { name: 'mean', op: 'Mean', input: ['pooled', 'axes'], attr: { keep_dims: { b: true } } },
      { name: 'flat', op: 'Reshape', input: ['mean', 'shape'], attr: {} },
      {
        name: 'dense',
        op: 'MatMul',
        input: ['flat', 'w3'],
        attr: { transpose_a: { b: false }, transpose_b: { b: false } },
      },
      {
        name: 'biased',
        op: 'BiasAdd',
        input: ['dense', 'b3'],
        attr: { data_format: text('NHWC') },
      },
      { name: 'probabilities', op: 'Softmax', input: ['biased'], attr: {} },
    ],
    versions: {},
  },
  weights: [
    ...[
      random('w1', 3, 3, 3, 4),
      random('b1', 4),
      random('w2', 3, 3, 4, 1),
      random('w3', 8, 5),
      random('b3', 5),
    ],
    random('scale', 4),
    { name: 'pads', shape: [4, 2], values: [0, 0, 1, 1, 1, 1, 0, 0], as: 'int32' },
    { name: 'axes', shape: [2], values: [1, 2], as: 'int32' },
    { name: 'axis', shape: [], values: [3], as: 'int32' },
    { name: 'shape', shape: [2], values: [-1, 8], as: 'int32' },
  ],
};

test('a graph model gives the same scores by TensorFlow.js and by ONNX', async () => {
  const { path, bundle } = await write(graph, { name: 'graph', output: 'probabilities' });
  // The path of the file itself is taken, as that of its folder.
  const described = await describeFolder(join(path, 'model.json'), { scale: 1 / 255 });
  expect(described.bundle).toMatchObject({ format: 'tfjs-graph', input: { height: size } });
  const [own, translated] = await runBoth(path);
  expect(worst(own, translated)).toBeLessThan(1e-6);
  const network = await openNetwork(path, bundle);
  const conv1 = network.graph.nodes.find(({ name }) => name === 'conv');
  if (conv1 === undefined) throw new Error('Expected a layer named conv');
  const kernels = await network.kernels(conv1);
  expect(kernels).toMatchObject({ kernels: 4, depth: 3, height: 3, width: 3 });
  // [height, width, channels, kernels] in TensorFlow: place 1,2 of channel 2 of kernel 3.
  const weights = graph.weights[0]?.values ?? [];
  expect((await kernels.read(3, 4))[2 * 9 + 1 * 3 + 2]).toBeCloseTo(
    weights[((1 * 3 + 2) * 3 + 2) * 4 + 3] ?? 0,
    6,
  );
  const upTo = await network.upTo(conv1);
  expect((await upTo.run(photos(1))).shape).toEqual([1, 4, 16, 16]);
  await upTo.close();
  await network.close();
});

test('memory is the same after ten thousand positions', async () => {
  const { path, bundle } = await write(await artifactsOf(networks.plain?.() as tf.LayersModel), {
    name: 'steady',
  });
  const { tf: active } = await openTfjs(tfjs);
  const backend = await loadTfjs(path, bundle, tfjs);
  const batch = photos(50);
  await backend.run(batch, 50, size, size);
  const before = active.memory();
  for (let done = 0; done < 10_000; done += 50) await backend.run(batch, 50, size, size);
  const after = active.memory();
  expect([after.numTensors, after.numBytes]).toEqual([before.numTensors, before.numBytes]);
  await backend.close();
  expect(active.memory().numTensors).toBeLessThan(before.numTensors);
}, 120_000);

describe('a TensorFlow.js bundle is refused', () => {
  const plain = () => artifactsOf(networks.plain?.() as tf.LayersModel);
  const load = async (options: TfjsBundleOptions, artifacts?: TfjsArtifacts) => {
    const { path, bundle } = await write(artifacts ?? (await plain()), { name: 'bad', ...options });
    return loadTfjs(path, bundle, tfjs);
  };
  const shard = 'group1-shard2of2.bin';
  test.each<[string, TfjsBundleOptions, string]>([
    ['no shard', { name: 'no-shard', damaged: { [shard]: null } }, `Expected shard '${shard}'`],
    [
      'a short shard',
      { name: 'short', damaged: { [shard]: Buffer.alloc(8) } },
      'bytes of weights in',
    ],
    ['no JSON', { name: 'no-json', damaged: { 'model.json': Buffer.from('{') } }, 'to be JSON'],
    [
      'JSON that describes no model',
      { name: 'other', damaged: { 'model.json': Buffer.from('{}') } },
      'modelTopology',
    ],
    ['channels first', { name: 'planes', input: { layout: 'NCHW' } }, 'its layout is NHWC'],
    [
      'a shard in another folder',
      {
        name: 'elsewhere',
        damaged: {
          'model.json': Buffer.from(
            JSON.stringify({
              modelTopology: {},
              weightsManifest: [{ paths: ['../x'], weights: [] }],
            }),
          ),
        },
      },
      'the name of a file beside it',
    ],
    [
      'another extent than its network',
      { name: 'extent', size: 48 },
      'set input.height and input.width to 32 and 32',
    ],
  ])('with %s', async (_, options, words) => {
    await expect(load(options)).rejects.toThrow(words);
  });

  test('with a wrong digest', async () => {
    const damaged = { [shard]: Buffer.alloc(8) };
    const { path } = await write(await plain(), { name: 'digest', damaged });
    const engine = openEngine({ inferenceThreads: 1, tfjs });
    await expect(engine.open(path)).rejects.toThrow(`bytes in '${shard}'`);
    await engine.close();
  });

  test('with an unknown layer or operation', async () => {
    const { topology, ...rest } = await plain();
    const renamed = JSON.parse(JSON.stringify(topology).replaceAll('"LeakyReLU"', '"Mystery"'));
    await expect(load({ name: 'mystery' }, { ...rest, topology: renamed })).rejects.toThrow(
      'Mystery',
    );
    const odd = JSON.parse(JSON.stringify(graph.topology).replace('"MatMul"', '"Mystery"'));
    const backend = await load(
      { name: 'odd', output: 'probabilities' },
      { ...graph, topology: odd },
    );
    await expect(backend.run(photos(1), 1, size, size)).rejects.toThrow('Mystery');
    const { path, bundle } = await write({ ...graph, topology: odd }, { name: 'odd' });
    await expect(openNetwork(path, bundle)).rejects.toThrow("operation 'Mystery' is not known");
  });

  test('with a topology of another kind', async () => {
    const artifacts = {
      ...(await plain()),
      topology: { model_config: { class_name: 'Model', config: {} } },
    };
    const { path, bundle } = await write(artifacts, { name: 'topology' });
    await expect(openNetwork(path, bundle)).rejects.toThrow('its layers are not listed');
  });

  test('with an output that is no row of scores', async () => {
    const map = tf.sequential({ layers: [conv(4, { inputShape: [size, size, 3] })] });
    const backend = await load({ name: 'map' }, await artifactsOf(map));
    await expect(backend.run(photos(1), 1, size, size)).rejects.toThrow(
      'a row of scores for each of 1 images',
    );
  });
});
