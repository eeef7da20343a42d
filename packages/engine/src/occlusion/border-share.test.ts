import fc from 'fast-check';
import { expect, test } from 'vitest';
import { borderShare } from './border-share.js';

const size = { height: 20, width: 10 };
const mapWith = (values: readonly (readonly [y: number, x: number, value: number])[]) => {
  const map = new Float32Array(size.height * size.width);
  for (const [y, x, value] of values) map[y * size.width + x] = value;
  return map;
};

test('the border is a tenth of the extent on each side', () => {
  expect(borderShare(mapWith([[1, 5, 1]]), size)).toBe(1);
  expect(borderShare(mapWith([[2, 5, 1]]), size)).toBe(0);
  expect(borderShare(mapWith([[10, 0, 1]]), size)).toBe(1);
  expect(borderShare(mapWith([[10, 1, 1]]), size)).toBe(0);
  expect(borderShare(mapWith([[17, 8, 1]]), size)).toBe(0);
  expect(borderShare(mapWith([[18, 8, 1]]), size)).toBe(1);
  expect(borderShare(new Float32Array(200).fill(0.5), size)).toBeCloseTo(0.36, 12);
});

test('only positive attribution counts, and there may be none', () => {
  const map = mapWith([
    [0, 0, 3],
    [10, 5, 1],
    [0, 5, -7],
  ]);
  expect(borderShare(map, size)).toBe(0.75);
  expect(borderShare(mapWith([[0, 0, -1]]), size)).toBeNull();
});

test('it is a share, whatever the map', () => {
  const value = fc.float({ noNaN: true, min: -1000, max: 1000 });
  fc.assert(
    fc.property(fc.array(value, { minLength: 200, maxLength: 200 }), (values) => {
      const share = borderShare(Float32Array.from(values), size);
      return share === null
        ? values.every((one) => Math.fround(one) <= 0)
        : share >= 0 && share <= 1;
    }),
  );
});
