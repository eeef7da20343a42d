import { describe, expect, test } from 'vitest';
import { bootstrapMean, medianOf, quantile } from './resample.js';

const values = [0.12, 0.5, 0.33, 0.71, 0.05, 0.44, 0.9, 0.38, 0.27, 0.61, 0.55, 0.19];
const sorted = [...values].sort((a, b) => a - b);

describe('bootstrapMean', () => {
  test('equals scipy within the chance of 2,000 resamples', () => {
    // scipy 1.17.1: stats.bootstrap(..., np.mean, n_resamples=200000, method='percentile').
    const { mean, low, high } = bootstrapMean(values, 3);
    expect(mean).toBeCloseTo(0.4208333333333334, 12);
    expect(Math.abs(low - 0.28917)).toBeLessThan(0.01);
    expect(Math.abs(high - 0.55833)).toBeLessThan(0.01);
  });

  test('depends on the seed alone', () => {
    expect(bootstrapMean(values, 3)).toEqual(bootstrapMean(values, 3));
    expect(bootstrapMean(values, 3)).not.toEqual(bootstrapMean(values, 4));
  });

  test('of one value is that value, and of none is refused', () => {
    expect(bootstrapMean([0.25], 1)).toEqual({ mean: 0.25, low: 0.25, high: 0.25 });
    expect(() => bootstrapMean([], 1)).toThrow(RangeError);
  });
});

describe('quantile', () => {
  test('equals numpy', () => {
    // np.quantile of numpy 2.4.6, its default method.
    expect([0.1, 0.5, 0.975].map((share) => quantile(sorted, share))).toEqual(
      [0.127, 0.41, 0.84775].map((value) => expect.closeTo(value, 12)),
    );
    expect([0, 1].map((share) => quantile(sorted, share))).toEqual([0.05, 0.9]);
    expect(medianOf(values)).toBeCloseTo(0.41, 12);
  });
});
