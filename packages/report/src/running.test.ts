import { expect, test } from 'vitest';
import { rankOf } from './chance.js';
import { halfWidth, noMoments, withValue } from './estimates.js';
import { createRunningMean, enoughImages } from './running.js';

const images = Array.from({ length: 1_000 }, (_, nth) => ({
  rank: rankOf(`image ${nth}`, 1),
  value: Math.sin(nth) ** 2,
}));
const ordered = images.toSorted((a, b) => a.rank - b.rank).map(({ value }) => value);

function stepsOf(kept: number) {
  const running = createRunningMean();
  for (const { rank, value } of images) running.add(rank, value);
  return running.steps(ordered.slice(0, kept));
}

/** The step after so many images of the order, by hand. */
const stepAfter = (count: number) => {
  const moments = ordered.slice(0, count).reduce(withValue, noMoments);
  return { images: count, mean: moments.mean, halfWidth: halfWidth(moments) };
};

test('the mean is told after 10, 20, 50, ... images', () => {
  expect(stepsOf(1_000)).toEqual([10, 20, 50, 100, 200, 500, 1_000].map(stepAfter));
});

test('beyond the images that are kept, it is told after a part of all', () => {
  const steps = stepsOf(50);
  expect(steps.slice(0, 3)).toEqual([10, 20, 50].map(stepAfter));
  const counts = [1 / 8, 1 / 4, 1 / 2, 1]
    .map((limit) => images.filter(({ rank }) => rank < limit).length)
    .filter((count) => count > 50);
  expect(steps.slice(-counts.length).map((step) => step.images)).toEqual(counts);
  for (const step of steps) {
    const expected = stepAfter(step.images);
    expect(step.mean).toBeCloseTo(expected.mean, 12);
    expect(step.halfWidth).toBeCloseTo(expected.halfWidth, 12);
  }
});

test('the last step is of all images, and fewer than 10 have none', () => {
  const running = createRunningMean();
  for (const { rank, value } of images.slice(0, 37)) running.add(rank, value);
  const first = images
    .slice(0, 37)
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
  expect(running.steps(first).map((step) => step.images)).toEqual([10, 20, 37]);
  expect(createRunningMean().steps(first.slice(0, 9))).toEqual([]);
});

test('enough is where the interval stays narrow', () => {
  const steps = [0.5, 0.01, 0.3, 0.02, 0.01].map((half, nth) => ({
    images: 10 * (nth + 1),
    mean: 0,
    halfWidth: half,
  }));
  expect(enoughImages(steps, 0.02)).toEqual({ images: 40, tolerance: 0.02 });
  expect(enoughImages(steps, 0.6)).toEqual({ images: 10, tolerance: 0.6 });
  expect(enoughImages(steps, 0.005)).toEqual({ images: null, tolerance: 0.005 });
  expect(enoughImages([], 1)).toEqual({ images: null, tolerance: 1 });
});
