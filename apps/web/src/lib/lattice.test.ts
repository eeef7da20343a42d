import { expect, test } from 'vitest';
import { latticeLimit, peakOf, readLattice } from './lattice.js';

const base64 = (values: readonly number[]): string => {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  for (const [at, value] of values.entries()) view.setFloat32(at * 4, value, true);
  return btoa(String.fromCharCode(...new Uint8Array(view.buffer)));
};

test('a lattice is read row by row, and what is not known stays so', () => {
  const read = readLattice(base64([0.5, -2, Number.NaN, 1, 0, 0]), { rows: 2, columns: 3 });
  expect([...read.values]).toEqual([0.5, -2, Number.NaN, 1, 0, 0]);
  expect(latticeLimit([read])).toBe(2);
  expect(() => readLattice(base64([1]), { rows: 2, columns: 3 })).toThrow(
    'Expected 2 x 3 cells, got 1',
  );
});

test.each([
  [[0, 0, 0, 0, 3, 0, 0, 0, 0], { value: 3, place: 'middle' }],
  [[0, 0, 4, 0, 0, 0, 0, 0, 0], { value: 4, place: 'top right' }],
  [[-1, -2, -2, -2, -2, -2, -2, Number.NaN, -2], { value: -1, place: 'top left' }],
  [[0, 0, 0, 0, 0, 0, 0, 1, 0], { value: 1, place: 'bottom middle' }],
])('the peak of %j is told with its place', (values, peak) => {
  expect(peakOf(readLattice(base64(values), { rows: 3, columns: 3 }))).toEqual(peak);
});

test('a lattice of which nothing is known has no peak, and no limit', () => {
  const nothing = readLattice(base64([Number.NaN]), { rows: 1, columns: 1 });
  expect(peakOf(nothing)).toBeNull();
  expect(latticeLimit([nothing])).toBe(0);
});
