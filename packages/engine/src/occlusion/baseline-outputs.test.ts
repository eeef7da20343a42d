import { describe, expect, test } from 'vitest';
import { createBaselineOutputs } from './baseline-outputs.js';

const imageOf = (value: number, size = { height: 2, width: 3 }) => {
  const original = new SharedArrayBuffer(4 * 18);
  new Float32Array(original).fill(value);
  return { original, filled: original, size };
};

describe('rows of clean images', () => {
  test('are made once an image, also by those who ask at once', async () => {
    const rows = createBaselineOutputs();
    let made = 0;
    const make = async () => Float32Array.of(++made);
    const [a, b] = await Promise.all([rows.get(imageOf(1), make), rows.get(imageOf(1), make)]);
    expect([a, b, await rows.get(imageOf(1), make)]).toEqual([a, a, a]);
    expect(made).toBe(1);
    await rows.get(imageOf(2), make);
    await rows.get(imageOf(1, { height: 3, width: 2 }), make);
    expect(made).toBe(3);
  });

  test('that failed are made again', async () => {
    const rows = createBaselineOutputs();
    const fail = () => Promise.reject(new Error('lost'));
    await expect(rows.get(imageOf(1), fail)).rejects.toThrow('lost');
    const row = Float32Array.of(7);
    expect(await rows.get(imageOf(1), async () => row)).toBe(row);
  });

  test('of images long ago are forgotten', async () => {
    const rows = createBaselineOutputs();
    let made = 0;
    const make = async () => Float32Array.of(++made);
    for (let image = 0; image <= 64; image++) await rows.get(imageOf(image), make);
    await rows.get(imageOf(64), make);
    expect(made).toBe(65);
    await rows.get(imageOf(0), make);
    expect(made).toBe(66);
  });
});
