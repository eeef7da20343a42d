import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  areFullRows,
  chooseRows,
  cutRows,
  joinRows,
  missingRows,
  type ScoredRows,
} from './rows.js';

/** A plan of rows of different widths, and all of its numbers. */
const whole = fc
  .record({
    widths: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 12 }),
    targets: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ widths, targets }) => {
    const rowStarts = [0];
    for (const width of widths) rowStarts.push((rowStarts.at(-1) ?? 0) + width);
    const positions = rowStarts.at(-1) ?? 0;
    const all: ScoredRows = {
      rowStart: 0,
      rowEnd: widths.length,
      scores: Float32Array.from({ length: targets * positions }, (_, at) => at + 0.5),
      predictedClasses: Int32Array.from({ length: positions }, (_, at) => at),
    };
    return { rowStarts, targets, all };
  });

const ranges = (rows: number) =>
  fc
    .tuple(fc.nat(rows - 1), fc.nat(rows - 1))
    .map(([a, b]) => ({ rowStart: Math.min(a, b), rowEnd: Math.max(a, b) + 1 }));

describe('scored rows', () => {
  test('cut into bands and joined in any order are what they were', () => {
    const cases = whole.chain((given) => {
      const rows = given.all.rowEnd;
      const cuts = fc.uniqueArray(fc.integer({ min: 1, max: rows }));
      return fc.record({ given: fc.constant(given), cuts, seed: fc.array(fc.integer()) });
    });
    fc.assert(
      fc.property(cases, ({ given: { rowStarts, targets, all }, cuts, seed }) => {
        const edges = [...new Set([0, ...cuts, all.rowEnd])].sort((a, b) => a - b);
        const bands = edges
          .slice(1)
          .map((rowEnd, at) => cutRows(all, rowStarts, { rowStart: edges[at] ?? 0, rowEnd }))
          .sort((a, b) => (seed[a.rowStart] ?? 0) - (seed[b.rowStart] ?? 0));
        for (const band of bands) expect(areFullRows(band, rowStarts, targets)).toBe(true);
        expect(joinRows(bands, rowStarts, targets)).toEqual(all);
      }),
    );
  });

  test('chosen of any bands, with what is missing, cover a range exactly once', () => {
    const cases = whole.chain((given) =>
      fc.record({
        given: fc.constant(given),
        range: ranges(given.all.rowEnd),
        bands: fc.array(ranges(given.all.rowEnd), { maxLength: 6 }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ given: { rowStarts, targets, all }, range, bands }) => {
        const kept = bands.map((rows) => cutRows(all, rowStarts, rows));
        const chosen = chooseRows(range, kept);
        const missing = missingRows(
          range,
          chosen.map(({ rows }) => rows),
        );
        // None is missing that a band has.
        for (const { rowStart, rowEnd } of missing) {
          for (const band of bands) {
            expect(band.rowEnd <= rowStart || band.rowStart >= rowEnd).toBe(true);
          }
        }
        const pieces = [
          ...chosen.map(({ from, rows }) => cutRows(from, rowStarts, rows)),
          ...missing.map((rows) => cutRows(all, rowStarts, rows)),
        ];
        expect(joinRows(pieces, rowStarts, targets, range)).toEqual(cutRows(all, rowStarts, range));
      }),
    );
  });

  test('that are not there cannot be cut out, and gaps cannot be joined over', () => {
    const rowStarts = [0, 2, 4, 6];
    const all = {
      scores: new Float32Array(6),
      predictedClasses: new Int32Array(6),
      rowStart: 0,
      rowEnd: 3,
    };
    const band = cutRows(all, rowStarts, { rowStart: 1, rowEnd: 2 });
    const outside = { rowStart: 1, rowEnd: 3 };
    expect(() => cutRows(band, rowStarts, outside)).toThrow('Expected rows [1, 3), got [1, 2)');
    expect(() => joinRows([band], rowStarts, 1, outside)).toThrow('Expected bands for 2 rows');
    expect(() => joinRows([band, band], rowStarts, 1)).toThrow('starting at row 0');
  });

  test('of a wrong length are told from full ones', () => {
    const rows = { scores: new Float32Array(4), predictedClasses: new Int32Array(4) };
    expect(areFullRows({ ...rows, rowStart: 0, rowEnd: 2 }, [0, 2, 4], 1)).toBe(true);
    expect(areFullRows({ ...rows, rowStart: 0, rowEnd: 1 }, [0, 2, 4], 1)).toBe(false);
    expect(areFullRows({ ...rows, rowStart: 0, rowEnd: 2 }, [0, 2, 4], 2)).toBe(false);
    expect(areFullRows({ ...rows, rowStart: 0, rowEnd: 3 }, [0, 2, 4], 1)).toBe(false);
  });
});
