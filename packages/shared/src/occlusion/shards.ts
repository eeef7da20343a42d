import { AppError, invalidInput } from '../errors.js';

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

/** One target's scores for a band of rows: `scores.length === (rowEnd - rowStart) * columns`. */
export type Band = RowRange & { readonly scores: Float32Array };

/**
 * Assemble bands, in any order, into the whole grid.
 *
 * @returns Row-major float32 scores, `rows * columns` long.
 * @throws {AppError} `integrity` unless the bands cover every row exactly once with full rows.
 */
export function mergeBands(bands: readonly Band[], rows: number, columns: number): Float32Array {
  const merged = new Float32Array(rows * columns);
  let nextRow = 0;
  for (const band of [...bands].sort((a, b) => a.rowStart - b.rowStart)) {
    if (band.rowStart !== nextRow || band.rowEnd <= band.rowStart || band.rowEnd > rows) {
      throw new AppError(
        'integrity',
        `Expected a band starting at row ${nextRow} of ${rows}, got [${band.rowStart}, ${band.rowEnd})`,
      );
    }
    if (band.scores.length !== (band.rowEnd - band.rowStart) * columns) {
      throw new AppError(
        'integrity',
        `Expected ${(band.rowEnd - band.rowStart) * columns} scores in rows [${band.rowStart}, ${band.rowEnd}), got ${band.scores.length}`,
      );
    }
    merged.set(band.scores, band.rowStart * columns);
    nextRow = band.rowEnd;
  }
  if (nextRow !== rows) {
    throw new AppError('integrity', `Expected bands for ${rows} rows, got ${nextRow}`);
  }
  return merged;
}

function assertCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw invalidInput(`Expected ${name} to be an integer >= 1, got ${value}`);
  }
}
