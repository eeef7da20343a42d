import { expect, test } from 'vitest';
import { gapPx, gridOfWidth, stepOf } from './wall-grid.js';

test.each([
  [358, 3],
  [840, 5],
  [1104, 7],
])('%i px have %i tiles in a line, which fill it', (width, columns) => {
  const grid = gridOfWidth(width);
  expect(grid.columns).toBe(columns);
  const used = columns * grid.tilePx + (columns - 1) * gapPx;
  expect(width - used).toBeGreaterThanOrEqual(0);
  expect(width - used).toBeLessThan(columns);
});

test('a wall without a width yet has one column', () => {
  expect(gridOfWidth(0)).toMatchObject({ columns: 1, tilePx: 1 });
});

/** Eleven tiles in lines of four: the last line has three. */
const from = (position: number, key: string, isFar = false) =>
  stepOf(key, { position, count: 11, columns: 4, page: 8, isFar });

test.each([
  [0, 'ArrowLeft', 0],
  [3, 'ArrowRight', 4],
  [10, 'ArrowRight', 10],
  [2, 'ArrowUp', 2],
  [6, 'ArrowUp', 2],
  [6, 'ArrowDown', 10],
  [7, 'ArrowDown', 10],
  [9, 'ArrowDown', 9],
  [1, 'PageDown', 9],
  [6, 'PageDown', 10],
  [10, 'PageUp', 2],
  [5, 'PageUp', 1],
  [6, 'Home', 4],
  [9, 'End', 10],
])('from %i, %s leads to %i', (position, key, to) => {
  expect(from(position, key)).toBe(to);
});

test('with Control, Home and End lead to the ends of all; other keys lead nowhere', () => {
  expect([from(6, 'Home', true), from(6, 'End', true)]).toEqual([0, 10]);
  expect(from(6, 'a')).toBeNull();
  expect(stepOf('End', { position: 0, count: 0, columns: 4, page: 8, isFar: true })).toBeNull();
});
