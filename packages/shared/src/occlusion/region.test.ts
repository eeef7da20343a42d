import { expect, test } from 'vitest';
import { growBox, hasRoomBeside, placeRegion } from './region.js';

const size = { height: 9, width: 20 };

test.each([
  [
    [0, 0, 0.5, 0.5],
    [0, 0, 5, 10],
  ],
  [
    [0.99, 0.99, 1, 1],
    [8, 19, 9, 20],
  ],
  [
    [0.5, 0.5, 0.501, 0.501],
    [5, 10, 6, 11],
  ],
] as const)('a region %j is placed at the px %j', ([top, left, bottom, right], placed) => {
  const box = placeRegion({ top, left, bottom, right }, size);
  expect([box.top, box.left, box.bottom, box.right]).toEqual(placed);
});

test('a box grows as far as the input reaches', () => {
  const margin = { y: 2, x: 4 };
  const grown = (top: number, left: number, bottom: number, right: number) =>
    growBox({ top, left, bottom, right }, margin, size);
  expect(grown(3, 5, 6, 15)).toEqual({ top: 1, left: 1, bottom: 8, right: 19 });
  expect(grown(1, 3, 8, 18)).toEqual({ top: 0, left: 0, bottom: 9, right: 20 });
});

test.each([
  [[0, 0, 9, 10], true],
  [[0, 5, 9, 15], false],
  [[0, 0, 9, 11], false],
  [[5, 0, 9, 20], true],
  [[4, 0, 9, 20], false],
  [[3, 4, 6, 20], true],
] as const)('beside the box %j there is room: %j', ([top, left, bottom, right], hasRoom) => {
  expect(hasRoomBeside({ top, left, bottom, right }, size)).toBe(hasRoom);
});
