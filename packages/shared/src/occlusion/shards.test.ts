import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeBands, planShards, type RowBand } from './shards.js';

const gridOf = (rows: number, columns: number) =>
  Float32Array.from({ length: rows * columns }, (_, index) => index + 0.5);
const bandOf = (
  whole: Float32Array,
  columns: number,
  rowStart: number,
  rowEnd: number,
): RowBand => ({
  rowStart,
  rowEnd,
  values: whole.slice(rowStart * columns, rowEnd * columns),
});
const starts = (rows: number, columns: number) =>
  Array.from({ length: rows + 1 }, (_, row) => row * columns);

test('planShards: only the last is shorter', () => {
  expect(planShards(13, 5)).toEqual([
    { index: 0, rowStart: 0, rowEnd: 5 },
    { index: 1, rowStart: 5, rowEnd: 10 },
    { index: 2, rowStart: 10, rowEnd: 13 },
  ]);
  expect(planShards(3, 100)).toEqual([{ index: 0, rowStart: 0, rowEnd: 3 }]);
});

test.each([
  [0, 1, /Expected rows to be an integer >= 1, got 0/],
  [1, 0, /Expected rowsPerShard to be an integer >= 1, got 0/],
  [1, 1.5, /got 1.5/],
  [Number.NaN, 1, /got NaN/],
])('planShards(%d, %d) is refused', (rows, rowsPerShard, message) => {
  expect(() => planShards(rows, rowsPerShard)).toThrow(message);
});

test('any shard size and order of arrival merge to the same grid', () => {
  const size = fc.integer({ min: 1, max: 20 });
  fc.assert(
    fc.property(size, size, size, fc.infiniteStream(fc.nat()), (rows, columns, perShard, keys) => {
      const whole = gridOf(rows, columns);
      const arrived = planShards(rows, perShard)
        .map((shard) => ({ shard, key: keys.next().value }))
        .sort((a, b) => a.key - b.key)
        .map(({ shard }) => bandOf(whole, columns, shard.rowStart, shard.rowEnd));
      expect(
        mergeBands(
          arrived,
          starts(rows, columns),
          whole.map(() => -1),
        ),
      ).toEqual(whole);
    }),
  );
});

describe('mergeBands refuses', () => {
  const columns = 3;
  const whole = gridOf(6, columns);
  const band = (rowStart: number, rowEnd: number) => bandOf(whole, columns, rowStart, rowEnd);
  const short: RowBand = { rowStart: 0, rowEnd: 6, values: whole.slice(1) };
  const long: RowBand = { rowStart: 0, rowEnd: 6, values: gridOf(7, columns) };
  const cases: [string, RowBand[], RegExp][] = [
    ['no band', [], /Expected bands for 6 rows, got 0/],
    ['the first rows missing', [band(2, 6)], /starting at row 0 of 6, got \[2, 6\)/],
    ['a gap', [band(0, 2), band(3, 6)], /starting at row 2 of 6, got \[3, 6\)/],
    ['the last rows missing', [band(0, 4)], /Expected bands for 6 rows, got 4/],
    ['an overlap', [band(0, 4), band(3, 6)], /starting at row 4 of 6, got \[3, 6\)/],
    ['a band twice', [band(0, 3), band(0, 3), band(3, 6)], /starting at row 3 of 6, got \[0, 3\)/],
    [
      'rows beyond the grid',
      [{ rowStart: 0, rowEnd: 7, values: gridOf(7, columns) }],
      /got \[0, 7\)/,
    ],
    ['an empty band', [{ rowStart: 0, rowEnd: 0, values: new Float32Array() }], /got \[0, 0\)/],
    ['too few scores', [short], /Expected 18 values in rows \[0, 6\), got 17/],
    ['too many scores', [long], /Expected 18 values in rows \[0, 6\), got 21/],
  ];
  test.each(cases)('%s', (_, bands, message) => {
    expect(() => mergeBands(bands, starts(6, columns), new Float32Array(18))).toThrowError(
      expect.objectContaining({ code: 'integrity', message: expect.stringMatching(message) }),
    );
  });
});
