import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { type OcclusionSettingsInput, occlusionSettings } from '@umbra/shared/contracts/settings';
import { patchBox } from '@umbra/shared/occlusion/grid';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEngine } from './engine.js';
import { renderInput } from './figures/input.js';
import { prepareImage } from './image/preprocess.js';
import { checkModel } from './models/check.js';
import { describeFolder } from './models/describe.js';
import { addModel } from './models/registry.js';
import { openNetwork } from './network/network.js';
import { fillImage } from './occlusion/fill.js';
import { composeResult } from './results/compose-result.js';
import { seededRandom } from './testing/random-network.js';
import { tinyNetwork, writeTinyBundle } from './testing/tiny-bundle.js';
import { encodeOnnx } from './testing/tiny-onnx.js';
import { writeTfjsBundle } from './testing/tiny-tfjs.js';
import type { Engine } from './types.js';

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-grey-'));
  engine = openEngine({ inferenceThreads: 1 });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const side = 24;
const classes = 5;
const grey = {
  channels: 'L',
  mean: [0.3],
  std: [0.4],
  resize: { rule: 'squash' },
} satisfies Partial<ModelBundle['input']>;
const network = tinyNetwork(classes, 3, 1);
const valuesOf = (name: string): readonly number[] =>
  network.weights.find((weight) => weight.name === name)?.values ?? [];

/** A picture in colour without structure. */
function noisePhoto(): Promise<Buffer> {
  const random = seededRandom(5);
  const pixels = Buffer.from(Array.from({ length: side * side * 3 }, () => random() * 256));
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

/** The tiny network by its definition: two 3x3 convolutions of stride 2, each with ReLU; means; a product. */
function logitsOf(image: Float32Array): number[] {
  const convolve = (map: readonly number[], depth: number, extent: number, name: string) => {
    const half = extent / 2;
    return Array.from({ length: 8 * half * half }, (_, at) => {
      const [channel, y, x] = [Math.floor(at / half ** 2), Math.floor(at / half) % half, at % half];
      let sum = 0;
      for (let tap = 0; tap < depth * 9; tap++) {
        const [from, dy, dx] = [Math.floor(tap / 9), Math.floor((tap % 9) / 3) - 1, (tap % 3) - 1];
        const [row, column] = [2 * y + dy, 2 * x + dx];
        if (row < 0 || row >= extent || column < 0 || column >= extent) continue;
        const weight = valuesOf(name)[channel * depth * 9 + tap] ?? Number.NaN;
        sum += weight * (map[from * extent ** 2 + row * extent + column] ?? Number.NaN);
      }
      return Math.max(0, sum);
    });
  };
  const last = convolve(convolve([...image], 1, side, 'w1'), 8, side / 2, 'w2');
  const area = (side / 4) ** 2;
  const means = Array.from(
    { length: 8 },
    (_, channel) =>
      last.slice(channel * area, (channel + 1) * area).reduce((sum, value) => sum + value, 0) /
      area,
  );
  return Array.from({ length: classes }, (_, index) =>
    means.reduce((sum, mean, at) => sum + mean * (valuesOf('w3')[at * classes + index] ?? 0), 0),
  );
}

/** The tiny network as TensorFlow.js' layers, with the same weights. */
function tfjsLayers() {
  const conv = (name: string) => ({
    class_name: 'Conv2D',
    config: {
      name,
      filters: 8,
      kernel_size: [3, 3],
      strides: [2, 2],
      padding: 'valid',
      data_format: 'channels_last',
      activation: 'relu',
      use_bias: false,
      ...(name === 'w1' && { trainable: true }),
    },
  });
  const pad = (name: string, more: object = {}) => ({
    class_name: 'ZeroPadding2D',
    config: {
      name,
      padding: [
        [1, 0],
        [1, 0],
      ],
      data_format: 'channels_last',
      ...more,
    },
  });
  const layers = [
    pad('p1', { batch_input_shape: [null, side, side, 1] }),
    conv('w1'),
    pad('p2'),
    conv('w2'),
    { class_name: 'GlobalAveragePooling2D', config: { name: 'means' } },
    { class_name: 'Dense', config: { name: 'w3', units: classes, use_bias: false } },
  ];
  const kernel = (name: string, depth: number) => ({
    name: `${name}/kernel`,
    shape: [3, 3, depth, 8],
    values: Array.from({ length: 9 * depth * 8 }, (_, at) => {
      const [tap, from, to] = [Math.floor(at / (depth * 8)), Math.floor(at / 8) % depth, at % 8];
      return valuesOf(name)[(to * depth + from) * 9 + tap] ?? Number.NaN;
    }),
  });
  return {
    format: 'layers-model' as const,
    topology: { class_name: 'Sequential', config: { name: 'grey', layers } },
    weights: [
      kernel('w1', 1),
      kernel('w2', 8),
      { name: 'w3/kernel', shape: [8, classes], values: valuesOf('w3') },
    ],
  };
}

const settingsOf = (more: OcclusionSettingsInput) =>
  occlusionSettings.parse({
    patch: { height: 7, width: 5 },
    stride: { y: 4, x: 5 },
    score: 'logit',
    target: { kind: 'top', k: 3 },
    ...more,
  });

const fills: OcclusionSettingsInput[] = [
  { fill: { kind: 'constant', value: 0.3, space: 'normalized' } },
  { fill: { kind: 'constant', value: 0.3, space: 'pixel' } },
  { fill: { kind: 'mean' } },
  { fill: { kind: 'dataset-mean' } },
  { fill: { kind: 'blur', sigma: 1.5 } },
  { fill: { kind: 'noise', seed: 7 } },
];

const bundles = {
  ONNX: () =>
    writeTinyBundle(folder, { name: 'grey', size: side, onnx: encodeOnnx(network), input: grey }),
  'TensorFlow.js': () =>
    writeTfjsBundle(folder, tfjsLayers(), { name: 'grey-tfjs', size: side, input: grey }),
};

test.each(
  Object.entries(bundles).flatMap(([format, write]) =>
    fills.map((fill) => ({ format, write, fill })),
  ),
)('a grey $format model is explained as its definition says, with $fill', async (one) => {
  const model = await engine.open(await one.write());
  const input = await prepareImage(await noisePhoto(), model.bundle.input);
  expect(input.tensor).toHaveLength(side * side);
  for (const strategy of ['dense', 'incremental'] as const) {
    const settings = settingsOf({ ...one.fill, strategy });
    const run = await model.occlude(input, model.resolve(settings, input));
    expect(run.provenance.strategy).toBe(strategy);
    const filled = fillImage(input, settings.fill, model.bundle.input);
    const [grid] = run.plan.grids;
    if (grid === undefined) throw new Error('nothing was run');
    for (let position = 0; position < grid.rows * grid.columns; position++) {
      const row = Math.floor(position / grid.columns);
      const box = patchBox(grid, row, position % grid.columns);
      const occluded = input.tensor.map((value, pixel) => {
        const [y, x] = [Math.floor(pixel / side), pixel % side];
        const inside = y >= box.top && y < box.bottom && x >= box.left && x < box.right;
        return inside ? (filled[pixel] ?? Number.NaN) : value;
      });
      const expected = logitsOf(occluded);
      for (const [at, { index }] of run.baseline.targets.entries()) {
        expect(run.scores[at]?.[position]).toBeCloseTo(expected[index] ?? Number.NaN, 4);
      }
    }
    expect(new Set(run.scores[0]).size).toBeGreaterThan(10);
  }
});

test('a photo becomes grey as Pillow 13.0.0 converts it to mode L', async () => {
  const colours = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
    [12, 200, 77],
    [1, 2, 3],
    [254, 1, 128],
    [99, 98, 97],
  ];
  const raw = { width: 4, height: 2, channels: 3 } as const;
  const photo = await sharp(Buffer.from(colours.flat()), { raw }).png().toBuffer();
  const { bundle } = await engine.open(await bundles.ONNX());
  const plain = { ...bundle.input, height: 2, width: 4, scale: 1, mean: [0], std: [1] };
  const { tensor } = await prepareImage(photo, plain);
  expect([...tensor]).toEqual([76, 150, 29, 255, 130, 2, 91, 98]);
});

test('noise is uniform in grey, and a mean or colour is the one that its pixels have', async () => {
  const { bundle } = await engine.open(await bundles.ONNX());
  const input = { ...bundle.input, scale: 1 / 255, mean: [0], std: [1] };
  const image = await prepareImage(await noisePhoto(), input);
  const of = (fill: OcclusionSettingsInput['fill']) =>
    fillImage(image, settingsOf({ fill }).fill, input);
  const mean = image.tensor.reduce((sum, value) => sum + value, 0) / image.tensor.length;
  expect(of({ kind: 'mean' })[5]).toBeCloseTo(mean, 6);
  expect(of({ kind: 'constant', value: 0.25, space: 'pixel' })[5]).toBeCloseTo(0.25, 6);
  // ITU-R 601's luma of ImageNet's mean colour.
  expect(of({ kind: 'dataset-mean' })[5]).toBeCloseTo(0.458971, 6);
  const noise = of({ kind: 'noise', seed: 1 });
  const share = noise.filter((value) => value < 0.25).length / noise.length;
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThan(0.3);
});

test('a grey model is added by the channel extent of its file, and passes every check', async () => {
  const file = join(folder, 'digits.onnx');
  const shape = ['N', 1, side, side];
  await writeFile(file, encodeOnnx({ ...network, input: { name: 'input', shape } }));
  const staged = await describeFolder(file, { scale: 1 / 255, output: 'logits' });
  expect(staged.bundle.input).toMatchObject({ channels: 'L', mean: [0], std: [1], height: side });
  await expect(
    describeFolder(file, { scale: 1, output: 'logits', mean: [0, 0, 0] }),
  ).rejects.toThrow('Expected a number for each channel of L, 1, got 3');
  const added = await addModel(join(folder, 'registry'), staged);
  const steps = await checkModel(added.folder);
  expect(steps.filter(({ ok }) => ok !== true)).toEqual([]);
  const tfjs = await bundles['TensorFlow.js']();
  const described = await describeFolder(join(tfjs, 'model.json'), { scale: 1, output: 'logits' });
  expect(described.bundle.input).toMatchObject({ layout: 'NHWC', channels: 'L', width: side });
});

test('channels that no photo has are refused when the model is added', async () => {
  const file = join(folder, 'satellite.onnx');
  const shape = ['N', 4, side, side];
  const four = tinyNetwork(classes, 1, 4);
  await writeFile(file, encodeOnnx({ ...four, input: { name: 'input', shape } }));
  await expect(describeFolder(file, { scale: 1 / 255, output: 'logits' })).rejects.toThrow(
    'Expected a model of images with 3 channels, or 1 (grey), NCHW or NHWC, got an input of [?, 4, 24, 24]',
  );
});

test('a model of colour whose bundle says grey is refused when it is opened', async () => {
  const path = await writeTinyBundle(folder, { name: 'wrong', size: side, input: grey });
  await expect(engine.open(path)).rejects.toThrow(
    "Expected model 'wrong' to take an image as input 'input', [N, 1, height, width], got [N, 3, H, W]",
  );
});

test('figures of a grey model show it in grey, and its layers are seen', async () => {
  for (const write of Object.values(bundles)) {
    const path = await write();
    const model = await engine.open(path);
    const photo = await noisePhoto();
    const input = await prepareImage(photo, model.bundle.input);
    const picture = await renderInput(input, model.bundle, 'input');
    const { channels } = await sharp(picture).stats();
    expect(channels[0]?.mean).toBe(channels[2]?.mean);
    const settings = settingsOf({});
    const run = await model.occlude(input, model.resolve(settings, input));
    const image = { id: '0', name: 'noise.png', sha256: 'a'.repeat(64), width: side, height: side };
    const { provenance } = run;
    const files = await composeResult({ photo, image, model, settings, run, provenance });
    expect([...files.keys()]).toContain('overlay.png');
    const opened = await openNetwork(path, model.bundle);
    const layer = opened.graph.nodes.find(({ op }) => op === 'Conv');
    if (layer === undefined) throw new Error('no convolution');
    const part = await opened.upTo(layer);
    const { shape } = await part.run(input.tensor);
    expect(shape).toEqual([1, 8, side / 2, side / 2]);
    await part.close();
    await opened.close();
  }
  expect(await readFile(join(folder, 'grey', 'bundle.json'), 'utf8')).toContain('"L"');
});
