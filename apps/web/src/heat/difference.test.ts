import { planGrid } from '@umbra/shared/occlusion/grid';
import { describe, expect, test } from 'vitest';
import { layOutCells } from './cell-layout.js';
import { dropAt } from './cells.js';
import { differenceOf, type PlacedMap } from './difference.js';
import { cellUnder, toInputPoint, toPhotoPoint } from './photo-point.js';

const photo = { height: 64, width: 64 };

/** A map of a square input, `scale` px of the photo each, with these drops from 1. */
function mapOf(
  [sidePx, cellPx]: readonly [number, number],
  drops: readonly number[],
  { scale, offset }: { readonly scale: number; readonly offset: number },
): PlacedMap {
  const image = { height: sidePx, width: sidePx };
  const patch = { height: cellPx, width: cellPx };
  const grid = planGrid(image, patch, { y: cellPx, x: cellPx }, 'clip');
  return {
    grid,
    place: { photo, toPhoto: { y: { scale, offset }, x: { scale, offset } } },
    cells: {
      rows: grid.rows,
      columns: grid.columns,
      scores: Float32Array.from(drops, (drop) => 1 - drop),
      predictedClasses: new Int32Array(drops.length),
      baseline: 1,
    },
  };
}

const whole = { scale: 2, offset: 0 };
const dropsOf = ({ cells }: PlacedMap) =>
  Array.from(cells.scores, (_, index) => dropAt(cells, index));

describe('a difference of drops', () => {
  test('is cell by cell where the grids are equal: the other minus the one', () => {
    const one = mapOf([32, 16], [0.5, 0.25, 0, -0.25], whole);
    const other = mapOf([32, 16], [0.75, 0.25, -0.5, Number.NaN], whole);
    const difference = differenceOf(one, other);
    expect(difference.isResampled).toBe(false);
    expect(dropsOf(difference)).toEqual([0.25, 0, -0.5, Number.NaN]);
  });

  test.each([false, true])(
    'is on the finer grid, by the nearest cell; swapped: %s',
    (isSwapped) => {
      const coarse = mapOf([32, 16], [1, 2, 3, 4], whole);
      const fine = mapOf(
        [64, 16],
        Array.from({ length: 16 }, (_, at) => at),
        { scale: 1, offset: 0 },
      );
      const difference = isSwapped ? differenceOf(fine, coarse) : differenceOf(coarse, fine);
      expect(difference.isResampled).toBe(true);
      expect(difference.grid).toBe(fine.grid);
      const beside = [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4];
      expect(dropsOf(difference)).toEqual(
        beside.map((drop, at) => (isSwapped ? drop - at : at - drop)),
      );
    },
  );

  test('is not known where one of them did not see the photo', () => {
    const all = mapOf([64, 16], Array<number>(16).fill(1), { scale: 1, offset: 0 });
    const middle = mapOf([32, 16], [2, 2, 2, 2], { scale: 1, offset: 16 });
    const edges = dropsOf(differenceOf(all, middle)).map((drop) =>
      Number.isNaN(drop) ? '-' : drop,
    );
    expect(edges.join(' ')).toBe('- - - - - 1 1 - - 1 1 - - - - -');
  });
});

describe('a place of the photo', () => {
  const mapping = { y: { scale: 2, offset: 10 }, x: { scale: 0.5, offset: 0 } };

  test('leads to the model’s input and back', () => {
    expect(toInputPoint({ y: 30, x: 4 }, mapping)).toEqual({ y: 10, x: 8 });
    expect(toPhotoPoint({ y: 10, x: 8 }, mapping)).toEqual({ y: 30, x: 4 });
  });

  test('is under the cell that covers it, or none', () => {
    const square = { height: 32, width: 32 };
    const layout = layOutCells(
      planGrid(square, { height: 16, width: 16 }, { y: 16, x: 16 }, 'clip'),
    );
    expect(cellUnder({ y: 45, x: 3 }, layout, mapping)).toEqual({ row: 1, column: 0 });
    expect(cellUnder({ y: 9, x: 3 }, layout, mapping)).toBeNull();
    expect(cellUnder({ y: 45, x: 17 }, layout, mapping)).toBeNull();
  });
});
