import { type EdgePolicy, patchBox, planGrid } from '@umbra/shared/occlusion/grid';
import { planGrids } from '@umbra/shared/occlusion/plan';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  attribute,
  attributeGrids,
  attributeKnown,
  maskUncovered,
  meanMap,
  meanOfKnown,
} from './attribution.js';

test('equals the mean over covering patches, pixel by pixel', () => {
  const extent = fc.integer({ min: 4, max: 24 });
  const small = fc.integer({ min: 1, max: 9 });
  const edge = fc.constantFrom<EdgePolicy[]>('clip', 'valid');
  fc.assert(
    fc.property(
      extent,
      extent,
      small,
      small,
      small,
      small,
      edge,
      (height, width, ph, pw, sy, sx, edge) => {
        const patch = { height: Math.min(ph, height), width: Math.min(pw, width) };
        const grid = planGrid({ height, width }, patch, { y: sy, x: sx }, edge);
        const scores = new Float32Array(grid.rows * grid.columns).map(
          (_, index) => Math.sin(index) / 2,
        );
        const found = attribute(grid, scores, 0.7);
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const drops = [...scores.entries()].flatMap(([index, score]) => {
              const box = patchBox(grid, Math.floor(index / grid.columns), index % grid.columns);
              const inside = y >= box.top && y < box.bottom && x >= box.left && x < box.right;
              return inside ? [0.7 - score] : [];
            });
            const mean = drops.length === 0 ? 0 : drops.reduce((a, b) => a + b) / drops.length;
            expect(found[y * width + x]).toBeCloseTo(mean, 6);
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('of a run that goes on, what is known is known, and no more', () => {
  const size = fc.integer({ min: 4, max: 16 });
  const small = fc.integer({ min: 1, max: 6 });
  const known = fc.array(fc.boolean(), { minLength: 256, maxLength: 256 });
  const edge = fc.constantFrom<EdgePolicy[]>('clip', 'valid');
  fc.assert(
    fc.property(size, small, small, known, edge, (extent, side, step, isKnown, policy) => {
      const image = { height: extent, width: extent };
      const patch = { height: Math.min(side, extent), width: Math.min(side, extent) };
      const grid = planGrid(image, patch, { y: step, x: step }, policy);
      const all = new Float32Array(grid.rows * grid.columns).map((_, index) => Math.sin(index));
      const scores = all.map((score, index) => (isKnown[index] ? score : Number.NaN));
      const found = attributeKnown(grid, scores, 0.7);
      expect(attributeKnown(grid, all, 0.7)).toEqual(attribute(grid, all, 0.7));
      for (let pixel = 0; pixel < found.length; pixel++) {
        const [y, x] = [Math.floor(pixel / extent), pixel % extent];
        const covering = [...all.keys()].filter((index) => {
          const box = patchBox(grid, Math.floor(index / grid.columns), index % grid.columns);
          return y >= box.top && y < box.bottom && x >= box.left && x < box.right;
        });
        const drops = covering.flatMap((index) =>
          isKnown[index] ? [0.7 - (all[index] ?? 0)] : [],
        );
        if (covering.length === 0) expect(found[pixel]).toBe(0);
        else if (drops.length === 0) expect(found[pixel]).toBeNaN();
        else expect(found[pixel]).toBeCloseTo(drops.reduce((a, b) => a + b) / drops.length, 5);
      }
    }),
    { numRuns: 40 },
  );
  const maps = [Float32Array.of(1, Number.NaN, Number.NaN), Float32Array.of(3, 5, Number.NaN)];
  expect([...meanOfKnown(maps)]).toEqual([2, 5, Number.NaN]);
});

test('positive supports the class', () => {
  const grid = planGrid({ height: 4, width: 4 }, { height: 2, width: 2 }, { y: 2, x: 2 }, 'clip');
  const found = attribute(grid, Float32Array.of(0.1, 0.5, 0.9, 0.5), 0.5);
  expect([found[0], found[3], found[15]].map((value) => Number(value?.toFixed(6)))).toEqual([
    0.4, 0, 0,
  ]);
  expect(found[12]).toBeCloseTo(-0.4, 6);
});

test('what no patch of any size reaches is masked, and nothing else', () => {
  const side = fc.integer({ min: 1, max: 9 });
  const extent = fc.integer({ min: 9, max: 24 });
  fc.assert(
    fc.property(
      extent,
      extent,
      fc.array(side, { minLength: 1, maxLength: 3 }),
      side,
      fc.constantFrom<EdgePolicy[]>('clip', 'valid'),
      (height, width, sides, stride, edge) => {
        const image = { height, width };
        const patches = sides.map((side) => ({ height: side, width: side }));
        const plan = planGrids(image, patches, { y: stride, x: stride + 1 }, edge);
        const map = meanMap(attributeGrids(plan, new Float32Array(plan.positions), 1));
        const masked = maskUncovered(plan, map);
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const isReached = plan.grids.some((grid) =>
              Array.from({ length: grid.rows * grid.columns }, (_, index) =>
                patchBox(grid, Math.floor(index / grid.columns), index % grid.columns),
              ).some(({ top, left, bottom, right }) => {
                return y >= top && y < bottom && x >= left && x < right;
              }),
            );
            const value = masked[y * width + x];
            expect(value).toBe(isReached ? map[y * width + x] : Number.NaN);
            if (!isReached) expect(map[y * width + x]).toBe(0);
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('a map whose pixels are all reached is the same map', () => {
  const plan = planGrids(
    { height: 10, width: 10 },
    [{ height: 4, width: 4 }],
    { y: 4, x: 4 },
    'clip',
  );
  const map = new Float32Array(100).fill(0.5);
  expect(maskUncovered(plan, map)).toBe(map);
});
