import { planGrid } from '@umbra/shared/occlusion/grid';
import { describe, expect, test } from 'vitest';
import { noiseShareOff } from './noise.js';
import { borderArea, innerBox } from './place-tests.js';

const square = (side: number) => ({ height: side, width: side });
const gridOf = (patch: number, step: number, image = 224) =>
  planGrid(square(image), square(patch), { y: step, x: step }, 'clip');

describe('the share that noise has in the border', () => {
  // Reference: the mean of the engine's borderShare of 60 attributions of normal scores, to within 0.01.
  test.each([
    [32, 16, 224, 0.425],
    [16, 8, 224, 0.389],
    [64, 16, 224, 0.506],
    [8, 4, 64, 0.398],
  ])('of patches of %i px every %i in %i px', (patch, step, image, share) => {
    const found = noiseShareOff(gridOf(patch, step, image), innerBox(square(image)));
    expect(Math.abs(found - share)).toBeLessThan(0.01);
  });

  test('is its area where patches do not overlap', () => {
    const grid = gridOf(32, 32);
    expect(noiseShareOff(grid, innerBox(grid.image))).toBeCloseTo(borderArea(grid.image), 12);
  });
});

test('px that no patch covers have no share', () => {
  const grid = planGrid(square(40), square(32), { y: 32, x: 32 }, 'valid');
  expect(noiseShareOff(grid, { top: 0, left: 0, bottom: 32, right: 32 })).toBe(0);
  expect(noiseShareOff(grid, { top: 0, left: 0, bottom: 16, right: 40 })).toBe(0.5);
});
