import { at } from '../assert.js';
import { invalidInput } from '../errors.js';
import {
  type Box,
  type EdgePolicy,
  type Grid,
  patchBox,
  planGrid,
  type Size,
  type Stride,
} from './grid.js';
import type { RowRange } from './shards.js';

/**
 * All positions of a run: one grid a patch size, stacked. Rows are numbered through the stack, top
 * to bottom and grid after grid, and so are positions.
 */
export type OcclusionPlan = {
  /** Extent of the model's input, px. */
  readonly image: Size;
  readonly grids: readonly Grid[];
  readonly rows: number;
  readonly positions: number;
  /** First position of each row, `rows + 1` numbers; the last is `positions`. */
  readonly rowStarts: readonly number[];
  /** First position of each grid; as many numbers as grids, and `positions` last. */
  readonly gridStarts: readonly number[];
};

/** Lay patches of each size over an image. @throws {AppError} As `planGrid`. */
export function planGrids(
  image: Size,
  patches: readonly Size[],
  stride: Stride,
  edge: EdgePolicy,
): OcclusionPlan {
  const grids = patches.map((patch) => planGrid(image, patch, stride, edge));
  const widths = grids.flatMap(({ rows, columns }) => Array<number>(rows).fill(columns));
  const rowStarts = runningSum(widths);
  return {
    image,
    grids,
    rows: widths.length,
    positions: at(rowStarts, widths.length),
    rowStarts,
    gridStarts: runningSum(grids.map(({ rows, columns }) => rows * columns)),
  };
}

/** The boxes of some rows, in the order of positions. */
export function boxesOf(plan: OcclusionPlan, { rowStart, rowEnd }: RowRange): Box[] {
  const boxes: Box[] = [];
  let first = 0;
  for (const grid of plan.grids) {
    const start = Math.max(rowStart - first, 0);
    const end = Math.min(rowEnd - first, grid.rows);
    for (let row = start; row < end; row++) {
      for (let column = 0; column < grid.columns; column++) boxes.push(patchBox(grid, row, column));
    }
    first += grid.rows;
  }
  return boxes;
}

/** @throws {AppError} `invalid_input` unless the rows are some of the plan's. */
export function checkRows(plan: OcclusionPlan, { rowStart, rowEnd }: RowRange): RowRange {
  if (rowStart >= 0 && rowStart < rowEnd && rowEnd <= plan.rows) return { rowStart, rowEnd };
  throw invalidInput(`Expected rows within [0, ${plan.rows}), got [${rowStart}, ${rowEnd})`);
}

function runningSum(values: readonly number[]): number[] {
  let sum = 0;
  const sums = [sum];
  for (const value of values) {
    sum += value;
    sums.push(sum);
  }
  return sums;
}
