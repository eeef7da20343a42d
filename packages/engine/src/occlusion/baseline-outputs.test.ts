import { describe, expect, test } from 'vitest';
import { createBaselineOutputs } from './baseline-outputs.js';

const imageOf = (value: number, size = { height: 2, width: 3 }) => {
  const original = new SharedArrayBuffer(4 * 18);
  new Float32Array(original).fill(value);
  return { original, filled: original, size };
};

describe('outputs of unoccluded images', () => {
  test('are made once an image, also by those who ask at once', async () => {
    const outputs = createBaselineOutputs();
    let made = 0;
    const make = async () => Float32Array.of(++made);
    const [a, b] = await Promise.all([
      outputs.get(imageOf(1), make),
      outputs.get(imageOf(1), make),
    ]);
    expect([a, b, await outputs.get(imageOf(1), make)]).toEqual([a, a, a]);
    expect(made).toBe(1);
    await outputs.get(imageOf(2), make);
    await outputs.get(imageOf(1, { height: 3, width: 2 }), make);
    expect(made).toBe(3);
  });

  test('that failed are made again', async () => {
    const outputs = createBaselineOutputs();
    const fail = () => Promise.reject(new Error('lost'));
    await expect(outputs.get(imageOf(1), fail)).rejects.toThrow('lost');
    const output = Float32Array.of(7);
    expect(await outputs.get(imageOf(1), async () => output)).toBe(output);
  });

  test('of images long ago are forgotten', async () => {
    const outputs = createBaselineOutputs();
    let made = 0;
    const make = async () => Float32Array.of(++made);
    for (let image = 0; image <= 64; image++) await outputs.get(imageOf(image), make);
    await outputs.get(imageOf(64), make);
    expect(made).toBe(65);
    await outputs.get(imageOf(0), make);
    expect(made).toBe(66);
  });
});
