import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEngine } from '../engine.js';
import { type TinyOptions, tinyNetwork, writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx, type Network } from '../testing/tiny-onnx.js';
import type { Engine } from '../types.js';

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-bad-models-'));
  engine = openEngine({ inferenceThreads: 1 });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const tiny = tinyNetwork();
const whole = encodeOnnx(tiny);
const changed = (part: Partial<Network>): Buffer => encodeOnnx({ ...tiny, ...part });
const inputOf = (...shape: (number | string)[]): Partial<Network> => ({
  input: { name: 'input', shape },
});
/** The tiny network with other last weights, [8, classes]. */
const lastWeights = (classes: number, value: number): Partial<Network> => ({
  weights: tiny.weights.map((weight) =>
    weight.name === 'w3'
      ? { name: 'w3', shape: [8, classes], values: Array<number>(8 * classes).fill(value) }
      : weight,
  ),
  output: { name: 'logits', shape: ['N', classes] },
});
const external: Partial<Network> = {
  weights: tiny.weights.map((weight) => ({ ...weight, file: 'model.data' })),
};

const cases: [string, TinyOptions, 'integrity' | 'invalid_input', string][] = [
  ['not ONNX', { onnx: Buffer.from('hello') }, 'integrity', 'to be an ONNX model, which it is not'],
  [
    'truncated',
    { onnx: whole.subarray(0, whole.length - 40) },
    'integrity',
    `to be a whole ONNX model: it is cut short after ${whole.length - 40} bytes, or damaged`,
  ],
  [
    'external data missing',
    { onnx: changed(external) },
    'integrity',
    "to find its weights in 'model.data' beside it, got no such file; bundle.json must list it",
  ],
  [
    'an opset of the future',
    { onnx: changed({ opset: 99 }) },
    'integrity',
    'got opset 99: export it again with an older one',
  ],
  [
    'an operation that the runtime does not know',
    { onnx: changed({ nodes: [{ op: 'Dream', inputs: ['input'], output: 'logits' }] }) },
    'integrity',
    'No Op registered for Dream',
  ],
  [
    'several inputs',
    { onnx: changed({ otherInputs: [{ name: 'mask', shape: ['N', 1, 8, 8] }] }) },
    'invalid_input',
    'to have one input, the image, got 2: input, mask',
  ],
  [
    'no image input',
    {
      onnx: changed({
        ...inputOf('N', 8),
        nodes: [{ op: 'Gemm', inputs: ['input', 'w3'], output: 'logits' }],
      }),
    },
    'invalid_input',
    "to take an image as input 'input', [N, 3, height, width], got float32 [N, 8]",
  ],
  [
    'a grey input',
    {
      onnx: changed({
        ...inputOf('N', 1, 'H', 'W'),
        nodes: [
          { op: 'GlobalAveragePool', inputs: ['input'], output: 'pooled' },
          { op: 'Flatten', inputs: ['pooled'], output: 'logits' },
        ],
      }),
    },
    'invalid_input',
    '[N, 3, height, width], got [N, 1, H, W]',
  ],
  [
    'the other layout',
    { input: { layout: 'NHWC' } },
    'invalid_input',
    'got [N, 3, H, W]: its layout is NCHW',
  ],
  [
    'another extent',
    { onnx: changed(inputOf('N', 3, 24, 32)) },
    'invalid_input',
    '32 x 32 px (height x width), got [N, 3, 24, 32]: set input.height and input.width to 24 and 32',
  ],
  [
    'inputs that vary for a network that does not',
    {
      onnx: changed(inputOf('N', 3, 32, 32)),
      input: { resize: { rule: 'fit', shorterSide: 32 } },
    },
    'invalid_input',
    "to take inputs of any extent, as resize rule 'fit' gives, got [N, 3, 32, 32]",
  ],
  [
    'a map instead of a row',
    {
      onnx: changed({
        nodes: [{ op: 'Conv', inputs: ['input', 'w1'], output: 'logits' }],
        output: { name: 'logits', shape: ['N', 8, 'H', 'W'] },
      }),
    },
    'invalid_input',
    'a row of scores for each of 2 images, [2, classes], got float32 [2, 8, 30, 30]',
  ],
  [
    'no classes',
    { onnx: changed(lastWeights(0, 0)), labels: [] },
    'invalid_input',
    'to give at least one class, got logits [N, 0]',
  ],
  [
    'weights that are not numbers',
    { onnx: changed(lastWeights(5, Number.NaN)) },
    'integrity',
    'gives NaN on a blank image: its weights are broken',
  ],
  ['labels of another length', { labels: ['one'] }, 'integrity', 'of 5 names, got 1 names'],
];

test.each(cases)('a model is refused: %s', async (name, options, code, message) => {
  const path = await writeTinyBundle(folder, {
    name: name.replaceAll(' ', '-').toLowerCase(),
    ...options,
  });
  const error = await engine.open(path).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
});

test('a file that was changed after it was listed is refused', async () => {
  const path = await writeTinyBundle(folder, { name: 'changed' });
  const onnx = await readFile(join(path, 'model.onnx'));
  onnx[onnx.length - 1] = (onnx.at(-1) ?? 0) ^ 1;
  await writeFile(join(path, 'model.onnx'), onnx);
  await expect(engine.open(path)).rejects.toThrow(
    "Expected 'model.onnx' of model 'changed' to have sha256",
  );
});

test('a folder without a description is refused', async () => {
  const opening = engine.open(join(folder, 'nowhere'));
  await expect(opening).rejects.toMatchObject({ code: 'invalid_input' });
});

test('a network whose scores turn to NaN under the patch is refused', async () => {
  // The square root of what is negative only where the patch is.
  const onnx = changed({
    nodes: [
      { op: 'Sqrt', inputs: ['input'], output: 'root' },
      { op: 'GlobalAveragePool', inputs: ['root'], output: 'pooled' },
      { op: 'Flatten', inputs: ['pooled'], output: 'logits' },
    ],
    output: { name: 'logits', shape: ['N', 3] },
  });
  const model = await engine.open(
    await writeTinyBundle(folder, { name: 'roots', onnx, labels: null }),
  );
  const input = {
    tensor: new Float32Array(3 * 32 * 32).fill(0.5),
    height: 32,
    width: 32,
    frame: {
      photo: { height: 32, width: 32 },
      resized: { height: 32, width: 32 },
      crop: { top: 0, left: 0, bottom: 32, right: 32 },
    },
  };
  const settings = occlusionSettings.parse({
    patch: 8,
    stride: 8,
    fill: { kind: 'constant', value: -1 },
  });
  await expect(model.occlude(input, model.resolve(settings, input))).rejects.toMatchObject({
    code: 'integrity',
    message: "Model 'roots' gives NaN with the patch at position 0",
  });
});
