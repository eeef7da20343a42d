import { at } from '../assert.js';
import { integrity } from '../errors.js';
import { mergeBands, type RowRange } from './shards.js';

/** Numbers of some rows of a plan. */
export type ScoredRows = RowRange & {
  /** float32 [targets, positions of these rows]. */
  readonly scores: Float32Array;
  /** int32 [positions]. */
  readonly predictedClasses: Int32Array;
};

/** First position of each row of a plan: `rowStarts` of `OcclusionPlan`. */
type RowStarts = readonly number[];

/** Whether arrays are as long as their rows say. */
export function areFullRows(
  { rowStart, rowEnd, scores, predictedClasses }: ScoredRows,
  rowStarts: RowStarts,
  targets: number,
): boolean {
  if (rowStart < 0 || rowEnd <= rowStart || rowEnd >= rowStarts.length) return false;
  const positions = at(rowStarts, rowEnd) - at(rowStarts, rowStart);
  return predictedClasses.length === positions && scores.length === targets * positions;
}

/**
 * Take some rows out of more of them.
 *
 * @throws {AppError} `integrity` unless they are all there.
 */
export function cutRows(
  from: ScoredRows,
  rowStarts: RowStarts,
  { rowStart, rowEnd }: RowRange,
): ScoredRows {
  if (rowStart < from.rowStart || rowEnd > from.rowEnd) {
    throw integrity(
      `Expected rows [${rowStart}, ${rowEnd}), got [${from.rowStart}, ${from.rowEnd})`,
    );
  }
  const held = from.predictedClasses.length;
  const targets = held === 0 ? 0 : from.scores.length / held;
  const offset = at(rowStarts, from.rowStart);
  const start = at(rowStarts, rowStart) - offset;
  const end = at(rowStarts, rowEnd) - offset;
  const scores = new Float32Array(targets * (end - start));
  for (let target = 0; target < targets; target++) {
    const own = from.scores.subarray(target * held + start, target * held + end);
    scores.set(own, target * (end - start));
  }
  return { rowStart, rowEnd, scores, predictedClasses: from.predictedClasses.slice(start, end) };
}

/**
 * Lay bands side by side, in any order.
 *
 * @throws {AppError} `integrity` unless they cover the range, each row exactly once.
 */
export function joinRows(
  bands: readonly ScoredRows[],
  rowStarts: RowStarts,
  targets: number,
  { rowStart, rowEnd }: RowRange = { rowStart: 0, rowEnd: rowStarts.length - 1 },
): ScoredRows {
  const offset = at(rowStarts, rowStart);
  const starts = rowStarts.slice(rowStart, rowEnd + 1).map((start) => start - offset);
  const positions = at(rowStarts, rowEnd) - offset;
  const shifted = bands.map((band) => ({
    ...band,
    rowStart: band.rowStart - rowStart,
    rowEnd: band.rowEnd - rowStart,
  }));
  const scores = new Float32Array(targets * positions);
  for (let target = 0; target < targets; target++) {
    const own = shifted.map(({ scores: all, ...rows }) => {
      const length = all.length / targets;
      return { ...rows, values: all.subarray(target * length, (target + 1) * length) };
    });
    mergeBands(own, starts, scores.subarray(target * positions, (target + 1) * positions));
  }
  const won = shifted.map(({ predictedClasses, ...rows }) => ({
    ...rows,
    values: predictedClasses,
  }));
  return {
    rowStart,
    rowEnd,
    scores,
    predictedClasses: mergeBands(won, starts, new Int32Array(positions)),
  };
}

/** Parts of a range that no band covers, top to bottom. */
export function missingRows(range: RowRange, bands: readonly RowRange[]): RowRange[] {
  const missing: RowRange[] = [];
  let next = range.rowStart;
  for (const { rowStart, rowEnd } of [...bands].sort((a, b) => a.rowStart - b.rowStart)) {
    if (rowEnd <= next) continue;
    if (rowStart >= range.rowEnd) break;
    if (rowStart > next) missing.push({ rowStart: next, rowEnd: rowStart });
    next = rowEnd;
  }
  if (next < range.rowEnd) missing.push({ rowStart: next, rowEnd: range.rowEnd });
  return missing;
}

/**
 * Cover as much of a range as bands can, each row once.
 *
 * @param bands Whole bands; larger ones are taken first.
 * @returns Pieces of them within the range.
 */
export function chooseRows<T extends RowRange>(
  range: RowRange,
  bands: readonly T[],
): { readonly from: T; readonly rows: RowRange }[] {
  const chosen: { readonly from: T; readonly rows: RowRange }[] = [];
  const size = ({ rowStart, rowEnd }: RowRange) => rowEnd - rowStart;
  for (const from of [...bands].sort((a, b) => size(b) - size(a))) {
    for (const gap of missingRows(
      range,
      chosen.map(({ rows }) => rows),
    )) {
      const rowStart = Math.max(gap.rowStart, from.rowStart);
      const rowEnd = Math.min(gap.rowEnd, from.rowEnd);
      if (rowStart < rowEnd) chosen.push({ from, rows: { rowStart, rowEnd } });
    }
  }
  return chosen;
}
