import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { expect, test } from 'vitest';
import { type ModelInput, normalise } from '../image/preprocess.js';
import { fillImage } from './fill.js';

const contract: ModelBundle['input'] = {
  layout: 'NCHW',
  height: 5,
  width: 7,
  channels: 'RGB',
  scale: 1 / 255,
  mean: [0.5, 0.4, 0.3],
  std: [0.2, 0.25, 0.3],
  resize: { rule: 'squash' },
  interpolation: 'bilinear',
};
const pixels = 5 * 7;
const data = Buffer.from(Array.from({ length: 3 * pixels }, (_, at) => (at * 37) % 256));

function imageIn(input: ModelBundle['input']): ModelInput {
  const size = { height: 5, width: 7 };
  const frame = { photo: size, resized: size, crop: { top: 0, left: 0, bottom: 5, right: 7 } };
  return { ...size, frame, tensor: normalise({ ...size, data }, input) };
}
/** One channel's numbers, whatever the layout. */
function channelOf(tensor: Float32Array, channel: number, layout: string): number[] {
  return Array.from({ length: pixels }, (_, at) =>
    Number(layout === 'NCHW' ? tensor[channel * pixels + at] : tensor[3 * at + channel]),
  );
}
const fill = (kind: OcclusionSettings['fill'], input = contract) =>
  fillImage(imageIn(input), kind, input);

const kinds: OcclusionSettings['fill'][] = [
  { kind: 'constant', value: 0.3, space: 'normalized' },
  { kind: 'constant', value: 0.3, space: 'pixel' },
  { kind: 'mean' },
  { kind: 'dataset-mean' },
  { kind: 'blur', sigma: 1.5 },
  { kind: 'noise', seed: 7 },
];

test.each(kinds)('%j is the same picture in every layout and channel order', (kind) => {
  const expected = fill(kind);
  const nhwc = fill(kind, { ...contract, layout: 'NHWC' });
  const backwards = { mean: [0.3, 0.4, 0.5], std: [0.3, 0.25, 0.2] };
  const bgr = fill(kind, { ...contract, ...backwards, channels: 'BGR' });
  for (const channel of [0, 1, 2]) {
    const values = channelOf(expected, channel, 'NCHW');
    expect(channelOf(nhwc, channel, 'NHWC')).toEqual(values);
    expect(channelOf(bgr, 2 - channel, 'NCHW')).toEqual(values);
  }
});

test('mean is each channel’s own; the dataset’s is what the model takes off', () => {
  const { tensor } = imageIn(contract);
  const mean = fill({ kind: 'mean' });
  for (const channel of [0, 1, 2]) {
    const values = channelOf(tensor, channel, 'NCHW');
    const expected = values.reduce((sum, value) => sum + value, 0) / pixels;
    for (const value of channelOf(mean, channel, 'NCHW')) expect(value).toBeCloseTo(expected, 6);
  }
  expect(new Set(fill({ kind: 'dataset-mean' }))).toEqual(new Set([0]));
});

test('a bundle without a mean takes ImageNet’s for its dataset’s', () => {
  const input = { ...contract, mean: [0, 0, 0], std: [1, 1, 1] };
  const found = fill({ kind: 'dataset-mean' }, input);
  expect([found[0], found[pixels], found[2 * pixels]]).toEqual(
    [0.485, 0.456, 0.406].map(Math.fround),
  );
});

test('noise depends on the seed alone, and uses the whole range of pixels', () => {
  expect(fill({ kind: 'noise', seed: 7 })).toEqual(fill({ kind: 'noise', seed: 7 }));
  const other = fill({ kind: 'noise', seed: 8 });
  const same = fill({ kind: 'noise', seed: 7 }).filter((value, at) => value === other[at]);
  expect(same.length).toBeLessThan(pixels / 4);
  const size = { height: 200, width: 200 };
  const large = { ...imageIn(contract), ...size };
  const plain = { ...contract, mean: [0, 0, 0], std: [1, 1, 1], scale: 1 };
  const noise = fillImage(large, { kind: 'noise', seed: 0 }, plain);
  const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
  expect(Math.abs(mean - 127.5)).toBeLessThan(1);
  expect(new Set(noise).size).toBe(256);
});

test('blur keeps a flat image, and spreads a point as a Gaussian does', () => {
  const size = { height: 41, width: 41 };
  const frame = { photo: size, resized: size, crop: { top: 0, left: 0, bottom: 41, right: 41 } };
  const blurred = (tensor: Float32Array) =>
    fillImage({ ...size, frame, tensor }, { kind: 'blur', sigma: 3 }, contract);
  const flat = blurred(new Float32Array(3 * 41 * 41).fill(0.7));
  for (const value of flat) expect(value).toBeCloseTo(0.7, 6);
  const point = new Float32Array(3 * 41 * 41);
  point[20 * 41 + 20] = 1;
  const found = blurred(point);
  const at = (y: number, x: number) => found[(20 + y) * 41 + 20 + x] ?? 0;
  const sum = found.reduce((total, value) => total + value, 0);
  expect(sum).toBeCloseTo(1, 4);
  for (const [y, x] of [
    [0, 3],
    [3, 0],
    [2, 2],
    [-4, 1],
  ] as const) {
    expect(at(y, x) / at(0, 0)).toBeCloseTo(Math.exp(-(y ** 2 + x ** 2) / 18), 5);
  }
});
