import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createWeights } from './chance.js';
import {
  createBootstrappedMean,
  halfWidth,
  mergeMoments,
  noMoments,
  withValue,
} from './estimates.js';

const momentsOf = (values: readonly number[]) => values.reduce(withValue, noMoments);

function bootstrap(values: readonly number[], order = [...values.keys()]) {
  const weightsOf = createWeights(1);
  const mean = createBootstrappedMean();
  for (const nth of order) mean.add(values[nth] ?? Number.NaN, weightsOf(`image ${nth}`));
  return mean.estimate();
}

describe('a bootstrapped mean', () => {
  // Reference: scipy.stats.bootstrap of SciPy 1.17.1, percentile, 100,000 resamples. Of 400 replicates, an end of
  // the interval has a standard error of about a sixth of the half-width.
  test.each([
    {
      values: Array.from({ length: 200 }, (_, i) => (((i * 37) % 101) / 101) ** 2),
      mean: 0.32931820409763746,
      low: 0.28872,
      high: 0.37059,
    },
    {
      values: Array.from({ length: 60 }, (_, i) => (i % 5 === 0 ? 0 : 1)),
      mean: 0.8,
      low: 0.7,
      high: 0.9,
    },
  ])('has the interval that SciPy has, within its chance', ({ values, mean, low, high }) => {
    const found = bootstrap(values);
    const within = (high - low) / 8;
    expect(found.mean).toBeCloseTo(mean, 12);
    expect(Math.abs(found.low - low)).toBeLessThan(within);
    expect(Math.abs(found.high - high)).toBeLessThan(within);
  });

  test('does not depend on the order of images', () => {
    const values = Array.from({ length: 50 }, (_, i) => Math.sin(i));
    const forth = bootstrap(values);
    const back = bootstrap(values, [...values.keys()].reverse());
    for (const end of ['mean', 'low', 'high'] as const) {
      expect(forth[end]).toBeCloseTo(back[end], 12);
    }
  });

  test('of one image is that number, and of two lies between them', () => {
    expect(bootstrap([0.25])).toEqual({ mean: 0.25, low: 0.25, high: 0.25 });
    expect(bootstrap([0, 1])).toEqual({ mean: 0.5, low: 0, high: 1 });
    expect(() => createBootstrappedMean().estimate()).toThrow(RangeError);
  });
});

test('half of the interval of 95 % is as Student has it', () => {
  // SciPy 1.17.1: stats.sem(v) * stats.t.ppf(0.975, len(v) - 1)
  const values = [0.12, 0.4, 0.33, 0.9, 0.05, 0.61, 0.47, 0.22, 0.38, 0.71, 0.15, 0.55];
  expect(halfWidth(momentsOf(values))).toBeCloseTo(0.16233042721096802, 4);
  // With squares so that the standard error is 1, it is the quantile itself.
  const quantiles = [10, 20, 50, 100, 1000].map((count) =>
    halfWidth({ count, mean: 0, squares: count * (count - 1) }),
  );
  const expected = [2.262157, 2.093024, 2.009575, 1.984217, 1.962341];
  for (const [nth, quantile] of quantiles.entries()) {
    expect(Math.abs(quantile - (expected[nth] ?? 0))).toBeLessThan(4e-4);
  }
});

test.each([
  [2, 12.706205],
  [3, 4.302653],
  [4, 3.182446],
])('half of the interval of %i values is not too narrow', (count, quantile) => {
  const found = halfWidth({ count, mean: 0, squares: count * (count - 1) });
  expect(Math.abs(found - quantile)).toBeLessThan(0.03);
});

test('moments of parts merge into those of the whole', () => {
  const values = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { maxLength: 20 });
  fc.assert(
    fc.property(values, values, (a, b) => {
      const merged = mergeMoments(momentsOf(a), momentsOf(b));
      const whole = momentsOf([...a, ...b]);
      expect(merged.count).toBe(whole.count);
      expect(merged.mean).toBeCloseTo(whole.mean, 8);
      expect(merged.squares).toBeCloseTo(whole.squares, 5);
    }),
  );
});
