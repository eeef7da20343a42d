import { decodeRows, encodeRows } from '@umbra/engine';
import { expect, test } from 'vitest';
import { cellsOfArrays, cellsOfPartial, dropAt, knownCount } from './cells.js';

const classOf = { index: 3, label: 'cat' };
const grids = [
  { patch: { height: 8, width: 8 }, rows: 2, columns: 3 },
  { patch: { height: 4, width: 4 }, rows: 3, columns: 2 },
];
/** Rows 1 to 3 of the stack: the second of the first grid, and two of the second grid. */
const band = {
  rowStart: 1,
  rowEnd: 4,
  scores: Float32Array.from({ length: 2 * 7 }, (_, index) => index / 10),
  predictedClasses: Int32Array.from([3, 3, 5, 3, -1, 3, 3]),
};
const partial = {
  image: 'img_00000000',
  rows: 5,
  grids,
  predicted: { ...classOf, probability: 0.9 },
  targets: [
    { ...classOf, score: 0.9 },
    { index: 5, label: 'dog', score: 0.25 },
  ],
  bands: [encodeRows(band)],
};

test('bands fill the cells of their grid and target, and leave the others unknown', () => {
  const first = cellsOfPartial(partial, { target: 1, grid: 0 });
  expect(first).toMatchObject({ rows: 2, columns: 3, baseline: 0.25 });
  expect([...(first?.scores ?? [])]).toEqual(
    [Number.NaN, Number.NaN, Number.NaN, 0.7, 0.8, 0.9].map(Math.fround),
  );
  expect([...(first?.predictedClasses ?? [])]).toEqual([-1, -1, -1, 3, 3, 5]);
  const second = cellsOfPartial(partial, { target: 0, grid: 1 });
  expect([...(second?.scores ?? [])].slice(0, 4)).toEqual([0.3, 0.4, 0.5, 0.6].map(Math.fround));
  expect(second && knownCount(second)).toBe(4);
});

test('bands read as the engine reads them', () => {
  const [encoded = encodeRows(band)] = partial.bands;
  const { scores } = decodeRows(encoded);
  const cells = cellsOfPartial(partial, { target: 0, grid: 0 });
  expect([...(cells?.scores ?? [])].slice(3)).toEqual([...scores.subarray(0, 3)]);
});

test('nothing is known before the first band, nor of a grid that is none', () => {
  const begun = { ...partial, bands: [], targets: [], predicted: null };
  const cells = cellsOfPartial(begun, { target: 0, grid: 0 });
  expect(cells && knownCount(cells)).toBe(0);
  expect(cells && dropAt(cells, 0)).toBeNaN();
  expect(cellsOfPartial(begun, { target: 0, grid: 2 })).toBeNull();
});

test('arrays give the cells of one target', () => {
  const scores = { data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), shape: [2, 2, 2] };
  const classes = { data: Int32Array.of(0, 1, 2, 3), shape: [2, 2] };
  const cells = cellsOfArrays(scores, classes, { target: 1, baseline: 9 });
  expect([...cells.scores]).toEqual([5, 6, 7, 8]);
  expect(dropAt(cells, 3)).toBe(1);
  expect(() => cellsOfArrays(scores, classes, { target: 2, baseline: 9 })).toThrow(
    'Expected 2 x 2',
  );
});
