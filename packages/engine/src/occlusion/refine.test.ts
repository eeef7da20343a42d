import { planGrids } from '@umbra/shared/occlusion/plan';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ScoreMaps } from '../types.js';
import { interpolate } from './interpolate.js';
import { coarsePlaces, refineMaps } from './refine.js';

const gridOf = (rows: number, columns: number) => {
  const plan = planGrids(
    { height: rows, width: columns },
    [{ height: 1, width: 1 }],
    { y: 1, x: 1 },
    'clip',
  );
  const [grid] = plan.grids;
  if (grid === undefined) throw new Error('no grid');
  return { plan, grid };
};

describe('interpolation', () => {
  test('keeps what is known and gives back a plane exactly', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 20 }),
        fc.integer({ min: 2, max: 20 }),
        fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 3, maxLength: 3 }),
        (rows, columns, [a = 0, b = 0, c = 0]) => {
          const plane = Float32Array.from(
            { length: rows * columns },
            (_, at) => a + b * Math.floor(at / columns) + c * (at % columns),
          );
          const known = new Uint8Array(rows * columns);
          for (const place of coarsePlaces(gridOf(rows, columns).grid, 5)) known[place] = 1;
          const given = plane.map((value, at) => (known[at] ? value : Number.NaN));
          const found = interpolate({ rows, columns }, given, known);
          for (const [at, value] of found.entries()) {
            if (known[at]) expect(value).toBe(plane[at]);
            expect(Math.abs(value - (plane[at] ?? 0))).toBeLessThan(1e-3);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test('one row, and one known value, are enough', () => {
    const known = Uint8Array.of(0, 1, 0);
    expect([...interpolate({ rows: 1, columns: 3 }, Float32Array.of(9, 4, 9), known)]).toEqual([
      4, 4, 4,
    ]);
  });
});

test('the coarse lattice has the corners, and no place is far from it', () => {
  const { grid } = gridOf(30, 40);
  const places = new Set(coarsePlaces(grid, 5));
  for (const corner of [0, 39, 29 * 40, 30 * 40 - 1]) expect(places).toContain(corner);
  expect(places.size).toBeLessThanOrEqual((30 * 40) / 5 + 4);
  for (let row = 1; row < 29; row++) {
    for (let column = 1; column < 39; column++) {
      const at = row * 40 + column;
      // The knight's move lattice: each place is one of it, or touches exactly one.
      const near = [at, at - 1, at + 1, at - 40, at + 40].filter((one) => places.has(one));
      expect(near.length).toBeGreaterThanOrEqual(1);
    }
  }
});

describe('a refined run', () => {
  /** A steep blob on a flat ground, as occlusion maps are. */
  const blob = (row: number, column: number) =>
    0.9 - 0.8 * Math.exp(-((row - 12) ** 2 + (column - 20) ** 2) / 18);

  async function refine(every: number, share: number) {
    const { plan, grid } = gridOf(33, 33);
    const maps: ScoreMaps = {
      scores: [new Float32Array(plan.positions)],
      predictedClasses: new Int32Array(plan.positions).fill(-1),
    };
    const asked: number[] = [];
    await refineMaps(plan, { every, share }, maps, async (places) => {
      for (const place of places) {
        asked.push(place);
        const [row, column] = [Math.floor(place / grid.columns), place % grid.columns];
        maps.predictedClasses[place] = 1;
        maps.scores[0]?.fill(blob(row, column), place, place + 1);
      }
    });
    const errors = Array.from(maps.scores[0] ?? [], (score, at) =>
      Math.abs(score - blob(Math.floor(at / grid.columns), at % grid.columns)),
    );
    return { asked, maps, errors };
  }

  test('runs no place twice, keeps to its share, marks what it ran and leaves it as it was', async () => {
    const { asked, maps, errors } = await refine(5, 0.25);
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked.length).toBe(Math.floor(0.25 * 33 * 33));
    const marked = [...maps.predictedClasses.keys()].filter(
      (at) => maps.predictedClasses[at] !== -1,
    );
    expect(marked).toEqual(asked.toSorted((a, b) => a - b));
    for (const place of asked) expect(errors[place]).toBeLessThan(1e-7);
    expect(Math.max(...errors)).toBeLessThan(0.02);
  });

  test('spends what is left where scores change', async () => {
    const { asked } = await refine(10, 0.25);
    const extra = asked.slice(Math.ceil((33 * 33) / 10) + 4);
    const near = extra.filter((at) => Math.hypot(Math.floor(at / 33) - 12, (at % 33) - 20) < 10);
    expect(near.length).toBeGreaterThan(0.9 * extra.length);
  });

  test('with all of the positions it is the full map', async () => {
    const { errors } = await refine(5, 1);
    expect(Math.max(...errors)).toBeLessThan(1e-7);
  });
});
