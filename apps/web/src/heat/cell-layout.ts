import type { Grid } from '@umbra/shared/occlusion/grid';
import { patchBox } from '@umbra/shared/occlusion/grid';

/**
 * Where cells lie: each pixel belongs to the position whose patch has the nearest centre. Patches
 * overlap, cells do not.
 */
export type CellLayout = {
  /** Borders of the rows of cells, px of the model's input; `rows + 1` numbers. */
  readonly yBorders: readonly number[];
  /** Borders of the columns, `columns + 1` numbers. */
  readonly xBorders: readonly number[];
  /** Centres of the patches of each row, px. */
  readonly yCentres: readonly number[];
  readonly xCentres: readonly number[];
};

export function layOutCells(grid: Grid): CellLayout {
  const { rows, columns, image } = grid;
  const yCentres = Array.from({ length: rows }, (_, row) => {
    const { top, bottom } = patchBox(grid, row, 0);
    return (top + bottom) / 2;
  });
  const xCentres = Array.from({ length: columns }, (_, column) => {
    const { left, right } = patchBox(grid, 0, column);
    return (left + right) / 2;
  });
  return {
    yCentres,
    xCentres,
    yBorders: bordersOf(yCentres, image.height),
    xBorders: bordersOf(xCentres, image.width),
  };
}

function bordersOf(centres: readonly number[], extent: number): number[] {
  const between = centres.slice(1).map((centre, index) => (centre + (centres[index] ?? 0)) / 2);
  return [0, ...between, extent];
}

/** Index of the cell that a place lies in. @param borders As of a layout. */
export function cellAt(borders: readonly number[], place: number): number {
  let low = 0;
  let high = borders.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((borders[middle] ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A place between two centres: the one before, the one after, and the share of the way. */
export type Between = { readonly before: number; readonly after: number; readonly share: number };

export function centresAround(centres: readonly number[], place: number): Between {
  const last = centres.length - 1;
  let after = 0;
  while (after < last && (centres[after] ?? 0) < place) after += 1;
  const before = Math.max(0, (centres[after] ?? 0) < place ? after : after - 1);
  const from = centres[before] ?? 0;
  const to = centres[after] ?? 0;
  const share = to === from ? 0 : Math.min(1, Math.max(0, (place - from) / (to - from)));
  return { before, after, share };
}
