import fc from 'fast-check';
import { expect, test } from 'vitest';
import { patchBox } from './grid.js';
import { boxesOf, checkRows, planGrids } from './plan.js';
import { planShards } from './shards.js';

const image = { height: 20, width: 24 };
const patches = [
  { height: 8, width: 8 },
  { height: 4, width: 12 },
];

test('grids are stacked: rows and positions are numbered through', () => {
  const plan = planGrids(image, patches, { y: 4, x: 4 }, 'clip');
  expect(plan.grids.map(({ rows, columns }) => [rows, columns])).toEqual([
    [4, 5],
    [5, 4],
  ]);
  expect(plan).toMatchObject({ rows: 9, positions: 40, gridStarts: [0, 20, 40] });
  expect(plan.rowStarts).toEqual([0, 5, 10, 15, 20, 24, 28, 32, 36, 40]);
});

test('the boxes of bands, one after the other, are those of every grid', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 12 }),
      (stride, rowsPerShard) => {
        const plan = planGrids(image, patches, { y: stride, x: stride }, 'clip');
        const whole = plan.grids.flatMap((grid) =>
          Array.from({ length: grid.rows * grid.columns }, (_, at) =>
            patchBox(grid, Math.floor(at / grid.columns), at % grid.columns),
          ),
        );
        const bands = planShards(plan.rows, rowsPerShard).map((shard) => {
          const boxes = boxesOf(plan, shard);
          const [start = 0, end = 0] = [
            plan.rowStarts[shard.rowStart],
            plan.rowStarts[shard.rowEnd],
          ];
          expect(boxes).toHaveLength(end - start);
          return boxes;
        });
        expect(bands.flat()).toEqual(whole);
      },
    ),
  );
});

test('rows outside the plan are refused', () => {
  const plan = planGrids(image, patches, { y: 4, x: 4 }, 'clip');
  expect(checkRows(plan, { rowStart: 8, rowEnd: 9 })).toEqual({ rowStart: 8, rowEnd: 9 });
  for (const [rowStart, rowEnd] of [
    [0, 10],
    [-1, 2],
    [3, 3],
  ] as const) {
    expect(() => checkRows(plan, { rowStart, rowEnd })).toThrow('Expected rows within [0, 9)');
  }
});
