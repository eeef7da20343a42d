import { at } from '../assert.js';
import { integrity, invalidInput } from '../errors.js';

/** A contiguous band of grid rows `[rowStart, rowEnd)`. */
export type RowRange = { readonly rowStart: number; readonly rowEnd: number };
export type Shard = RowRange & { readonly index: number };

/**
 * Split the grid into contiguous bands of rows, top to bottom.
 *
 * Bands never overlap, so merging copies scores and never adds them: the merged grid depends
 * neither on the shard size nor on the order of arrival.
 *
 * @param rows Grid rows, an integer >= 1.
 * @param rowsPerShard Grid rows (not pixels) per shard, an integer >= 1.
 * @returns `ceil(rows / rowsPerShard)` shards; only the last may be shorter.
 * @throws {AppError} `invalid_input` if either count is not an integer >= 1.
 */
export function planShards(rows: number, rowsPerShard: number): Shard[] {
  assertCount('rows', rows);
  assertCount('rowsPerShard', rowsPerShard);
  return Array.from({ length: Math.ceil(rows / rowsPerShard) }, (_, index) => {
    const rowStart = index * rowsPerShard;
    return { index, rowStart, rowEnd: Math.min(rowStart + rowsPerShard, rows) };
  });
}

/** One number for each position of a band of rows: one target's scores, or the winning classes. */
export type RowBand<T extends Float32Array | Int32Array = Float32Array> = RowRange & {
  readonly values: T;
};

/**
 * Assemble bands, in any order, into the whole run.
 *
 * @param rowStarts First position of each row, and the number of positions last: `rowStarts` of the plan.
 * @param merged Takes the values, as many as there are positions.
 * @throws {AppError} `integrity` unless the bands cover every row exactly once with full rows.
 */
export function mergeBands<T extends Float32Array | Int32Array>(
  bands: readonly RowBand<T>[],
  rowStarts: readonly number[],
  merged: T,
): T {
  const rows = rowStarts.length - 1;
  let nextRow = 0;
  for (const { rowStart, rowEnd, values } of [...bands].sort((a, b) => a.rowStart - b.rowStart)) {
    if (rowStart !== nextRow || rowEnd <= rowStart || rowEnd > rows) {
      throw integrity(
        `Expected a band starting at row ${nextRow} of ${rows}, got [${rowStart}, ${rowEnd})`,
      );
    }
    const [start, end] = [at(rowStarts, rowStart), at(rowStarts, rowEnd)];
    if (values.length !== end - start) {
      throw integrity(
        `Expected ${end - start} values in rows [${rowStart}, ${rowEnd}), got ${values.length}`,
      );
    }
    merged.set(values, start);
    nextRow = rowEnd;
  }
  if (nextRow !== rows) throw integrity(`Expected bands for ${rows} rows, got ${nextRow}`);
  return merged;
}

function assertCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw invalidInput(`Expected ${name} to be an integer >= 1, got ${value}`);
  }
}
