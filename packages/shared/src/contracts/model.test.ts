import { expect, test } from 'vitest';
import { modelBundle } from './model.js';

const file = (path: string) => ({ path, sha256: 'a'.repeat(64), bytes: 1 });
const bundle = (input: object = {}, more: object = {}) => ({
  version: 1,
  name: 'net',
  format: 'onnx',
  files: [file('model.onnx'), file('labels.json')],
  model: 'model.onnx',
  labels: 'labels.json',
  input: {
    layout: 'NCHW',
    height: 192,
    width: 256,
    channels: 'RGB',
    scale: 1,
    mean: [0, 0, 0],
    std: [1, 1, 1],
    resize: { rule: 'crop', shorterSide: 256 },
    interpolation: 'bilinear',
    ...input,
  },
  output: 'logits',
  licence: 'none',
  source: 'this test',
  ...more,
});
const problems = (value: unknown) =>
  modelBundle
    .safeParse(value)
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

test('an input need not be square, nor a photo be cut', () => {
  expect(problems(bundle())).toBeUndefined();
  expect(problems(bundle({ resize: { rule: 'fit', shorterSide: 64 } }))).toBeUndefined();
  expect(problems(bundle({ resize: { rule: 'squash' } }))).toBeUndefined();
});

test('the input must fit into any photo that was brought to shorterSide', () => {
  expect(problems(bundle({ resize: { rule: 'crop', shorterSide: 255 } }))).toEqual([
    'input.resize.shorterSide: Expected at least 256, so that an input of 192 x 256 px (height x width) can be cut out of any photo, got 255',
  ]);
});

test('the network and its labels must be listed, so that their digests are held', () => {
  expect(problems(bundle({}, { model: 'other.onnx', labels: 'names.json' }))).toEqual([
    "model: Expected one of the files listed, got 'other.onnx'",
    "labels: Expected one of the files listed, got 'names.json'",
  ]);
});
