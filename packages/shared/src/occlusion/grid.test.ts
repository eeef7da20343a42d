import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EdgePolicy, type Grid, patchBox, planGrid } from './grid.js';

const square = (side: number) => ({ height: side, width: side });
const both = (step: number) => ({ y: step, x: step });
const counts = (image: number, patch: number, stride: number, edge: EdgePolicy) => {
  const { rows, columns } = planGrid(square(image), square(patch), both(stride), edge);
  return [rows, columns];
};

describe('known counts', () => {
  test.each([
    // The default settings.
    [224, 32, 16, 'clip', 13],
    [224, 32, 16, 'valid', 13],
    // The founding article's call: its count leaves the border out.
    [224, 32, 14, 'article', 14],
    [224, 32, 14, 'valid', 14],
    [224, 32, 14, 'clip', 15],
    // The article's own defaults.
    [224, 50, 50, 'article', 4],
    [224, 50, 50, 'valid', 4],
    [224, 50, 50, 'clip', 5],
    // The last whole patch fits exactly: only the article leaves it out.
    [224, 32, 16, 'article', 12],
    [7, 7, 3, 'clip', 1],
    [7, 7, 3, 'valid', 1],
  ] as const)('%i px, patch %i, stride %i, %s: %i an axis', (image, patch, stride, edge, n) => {
    expect(counts(image, patch, stride, edge)).toEqual([n, n]);
  });

  test('each axis on its own', () => {
    const grid = planGrid(
      { height: 10, width: 7 },
      { height: 4, width: 3 },
      { y: 3, x: 2 },
      'clip',
    );
    expect([grid.rows, grid.columns]).toEqual([3, 3]);
    expect(patchBox(grid, 2, 1)).toEqual({ top: 6, left: 2, bottom: 10, right: 5 });
  });
});

describe('refusals', () => {
  test.each([
    [8, 9, 1, 'clip', /patch \(9 px\) to be at most the model's input \(8 px\)/],
    [8, 0, 1, 'clip', /vertical patch to be an integer >= 1, got 0/],
    [8, 2, 0, 'clip', /vertical stride to be an integer >= 1, got 0/],
    [8, 2.5, 1, 'clip', /got 2.5/],
    [Number.NaN, 2, 1, 'clip', /image extent to be an integer >= 1, got NaN/],
    [8, 8, 1, 'article', /edge 'article' with patch 8 px leaves none/],
  ] as const)('%d px, patch %d, stride %d, %s', (image, patch, stride, edge, message) => {
    expect(() => counts(image, patch, stride, edge)).toThrow(message);
  });
});

describe('properties', () => {
  const axis = fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(), fc.integer({ min: 1, max: 45 }))
    .map(([image, seed, stride]) => ({ image, patch: 1 + (seed % image), stride }));
  const grids = (edge: EdgePolicy) =>
    fc.tuple(axis, axis).map(([y, x]) => {
      try {
        return planGrid(
          { height: y.image, width: x.image },
          { height: y.patch, width: x.patch },
          { y: y.stride, x: x.stride },
          edge,
        );
      } catch {
        return null;
      }
    });

  test('clip covers every pixel when the stride is at most the patch', () => {
    fc.assert(
      fc.property(grids('clip'), (grid) => {
        fc.pre(grid !== null);
        fc.pre(grid.stride.y <= grid.patch.height && grid.stride.x <= grid.patch.width);
        expect(coverage(grid).every((times) => times > 0)).toBe(true);
      }),
    );
  });

  test.each(['clip', 'valid', 'article'] as const)('%s: boxes lie inside, none empty', (edge) => {
    fc.assert(
      fc.property(grids(edge), (grid) => {
        fc.pre(grid !== null);
        for (const { top, left, bottom, right } of boxes(grid)) {
          expect(top < bottom && left < right).toBe(true);
          expect(top >= 0 && left >= 0).toBe(true);
          expect(bottom <= grid.image.height && right <= grid.image.width).toBe(true);
          if (edge !== 'clip') {
            expect([bottom - top, right - left]).toEqual([grid.patch.height, grid.patch.width]);
          }
        }
      }),
    );
  });
});

function* boxes(grid: Grid) {
  for (let row = 0; row < grid.rows; row += 1) {
    for (let column = 0; column < grid.columns; column += 1) yield patchBox(grid, row, column);
  }
}

/** How often each pixel is covered, row-major. */
function coverage(grid: Grid): Uint32Array {
  const { height, width } = grid.image;
  const times = new Uint32Array(height * width);
  for (const { top, left, bottom, right } of boxes(grid)) {
    for (let y = top; y < bottom; y += 1) {
      for (let x = left; x < right; x += 1) times[y * width + x] = (times[y * width + x] ?? 0) + 1;
    }
  }
  return times;
}
