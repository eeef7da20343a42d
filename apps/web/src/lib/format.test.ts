import { expect, test } from 'vitest';
import { formatDrop, formatDuration, formatFloat32 } from './format.js';

test.each([
  [0, '0'],
  [0.1, '0.1'],
  [1 / 3, '0.33333334'],
  [0.861324667, '0.86132467'],
  [-12.5, '-12.5'],
  [1.5e-9, '1.5e-9'],
])('a float32 near %d reads %s', (value, text) => {
  const float = Math.fround(value);
  expect(formatFloat32(float)).toBe(text);
  expect(Math.fround(Number(formatFloat32(float)))).toBe(float);
});

test('every float32 reads back as itself', () => {
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  const wrong: number[] = [];
  for (let index = 0; index < 5000; index++) {
    bits[0] = Math.imul(index, 2_654_435_761) >>> 0;
    const value = float[0] ?? 0;
    if (Number.isFinite(value) && Math.fround(Number(formatFloat32(value))) !== value) {
      wrong.push(value);
    }
  }
  expect(wrong).toEqual([]);
});

test.each([
  [0, '0'],
  [0.25, '+0.25'],
  [-0.12345, '\u22120.123'],
  [0.00001, '+1.0e-5'],
  [Number.NaN, '–'],
])('a drop of %d reads %s', (value, text) => {
  expect(formatDrop(value)).toBe(text);
});

test.each([
  [0.2, '1 s'],
  [75, '75 s'],
  [600, '10 min'],
  [5400, '1 h 30 min'],
])('%d s read %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});
