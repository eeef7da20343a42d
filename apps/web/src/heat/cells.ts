import type { PartialResult } from '@umbra/shared/contracts/partial';
import type { NpyArray } from '../lib/npy.js';

/** Scores of one target at each position of one grid, row-major. */
export type ScoreCells = {
  readonly rows: number;
  readonly columns: number;
  /** float32 [rows, columns]; NaN where nothing is known yet. */
  readonly scores: Float32Array;
  /** int32 [rows, columns]: the predicted class; -1 where none was run, -2 where none is predicted. */
  readonly predictedClasses: Int32Array;
  /** Score of the photo without a patch; null while it is not known. */
  readonly baseline: number | null;
};

/** Baseline score minus the score there: what the patch took away. NaN where unknown. */
export const dropAt = ({ scores, baseline }: ScoreCells, index: number): number =>
  baseline === null ? Number.NaN : baseline - (scores[index] ?? Number.NaN);

/** The largest drop or rise, which ends the colour scale; 0 where nothing is known. */
export function limitOf(maps: readonly ScoreCells[]): number {
  let limit = 0;
  for (const cells of maps) {
    for (const index of cells.scores.keys()) {
      const size = Math.abs(dropAt(cells, index));
      if (size > limit) limit = size;
    }
  }
  return limit;
}

export const knownCount = ({ scores }: ScoreCells): number =>
  scores.reduce((count, score) => count + (Number.isNaN(score) ? 0 : 1), 0);

/**
 * One target's cells of a finished image's arrays.
 *
 * @param scores float32 [targets, rows, columns], or [rows, columns] of a single target.
 * @param predictedClasses int32 [rows, columns].
 * @throws {Error} If the arrays do not fit each other.
 */
export function cellsOfArrays(
  scores: NpyArray,
  predictedClasses: NpyArray,
  { target, baseline }: { readonly target: number; readonly baseline: number },
): ScoreCells {
  const [rows = 0, columns = 0] = scores.shape.slice(-2);
  const count = rows * columns;
  const ofTarget = scores.data.subarray(target * count, (target + 1) * count);
  if (ofTarget.length !== count || predictedClasses.data.length !== count) {
    throw new Error(`Expected ${rows} x ${columns} numbers, got ${ofTarget.length}`);
  }
  return {
    rows,
    columns,
    scores: Float32Array.from(ofTarget),
    predictedClasses: Int32Array.from(predictedClasses.data),
    baseline,
  };
}

/** One target's cells of an image that runs, with what its finished bands of rows have. */
export function cellsOfPartial(
  partial: PartialResult,
  { target, grid }: { readonly target: number; readonly grid: number },
): ScoreCells | null {
  const wanted = partial.grids[grid];
  if (wanted === undefined) return null;
  const { rows, columns } = wanted;
  const scores = new Float32Array(rows * columns).fill(Number.NaN);
  const predictedClasses = new Int32Array(rows * columns).fill(-1);
  const widths = partial.grids.flatMap((one) => Array<number>(one.rows).fill(one.columns));
  const firstRow = partial.grids.slice(0, grid).reduce((sum, one) => sum + one.rows, 0);
  for (const band of partial.bands) {
    const given = readFloats(band.scores);
    const classes = readInts(band.predictedClasses);
    let at = 0;
    for (let row = band.rowStart; row < band.rowEnd; row++) {
      const width = widths[row] ?? 0;
      if (row >= firstRow && row < firstRow + rows) {
        const to = (row - firstRow) * columns;
        const from = target * classes.length + at;
        scores.set(given.subarray(from, from + width), to);
        predictedClasses.set(classes.subarray(at, at + width), to);
      }
      at += width;
    }
  }
  return {
    rows,
    columns,
    scores,
    predictedClasses,
    baseline: partial.targets[target]?.score ?? null,
  };
}

const readFloats = (base64: string) => {
  const view = viewOf(base64);
  return Float32Array.from({ length: view.byteLength / 4 }, (_, index) =>
    view.getFloat32(index * 4, true),
  );
};

const readInts = (base64: string) => {
  const view = viewOf(base64);
  return Int32Array.from({ length: view.byteLength / 4 }, (_, index) =>
    view.getInt32(index * 4, true),
  );
};

const viewOf = (base64: string): DataView =>
  new DataView(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer);
