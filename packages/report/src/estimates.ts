import { at } from '@umbra/shared/assert';
import type { Estimate } from '@umbra/shared/contracts/report';
import { replicates } from './chance.js';
import { quantile } from './resample.js';

/** Count, mean and sum of squared deviations. @see Welford, Technometrics 4(3), 1962. */
export type Moments = { readonly count: number; readonly mean: number; readonly squares: number };

export const noMoments: Moments = { count: 0, mean: 0, squares: 0 };

export const withValue = (moments: Moments, value: number): Moments =>
  mergeMoments(moments, { count: 1, mean: value, squares: 0 });

/** Moments of both samples together. @see Chan, Golub, LeVeque, The American Statistician 37(3), 1983. */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const count = a.count + b.count;
  if (count === 0) return noMoments;
  const shift = b.mean - a.mean;
  return {
    count,
    mean: a.mean + (shift * b.count) / count,
    squares: a.squares + b.squares + (shift * shift * a.count * b.count) / count,
  };
}

/**
 * Half the width of a mean's interval of 95 % by Student's t, of two values or more.
 *
 * @see Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.5, for the series of its quantile.
 */
export const halfWidth = ({ count, squares }: Moments): number =>
  studentQuantile(count - 1) * Math.sqrt(Math.max(0, squares) / (count - 1) / count);

const z = 1.959963984540054;

/** With one and two degrees of freedom, of which the series is far off. */
const fewQuantiles = [12.706204736174698, 4.302652729749464];

/** The quantile of 97.5 % with so many degrees of freedom, within 0.03, and to 4 digits from 9 on. */
function studentQuantile(freedom: number): number {
  return (
    fewQuantiles[freedom - 1] ??
    z +
      (z ** 3 + z) / (4 * freedom) +
      (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
      (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}

/** A mean over images that come one by one, and its bootstrap. */
export type BootstrappedMean = {
  readonly count: number;
  /** @param weights Of the image: see `createWeights`. */
  add(value: number, weights: Uint8Array): void;
  /** @throws {RangeError} Before anything was added. */
  estimate(): Estimate;
};

/**
 * Estimate a mean with its bootstrap interval of 95 % (percentiles of 400 replicates) without keeping its values:
 * 5 KB, however many there are.
 *
 * @see Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, 13.3.
 */
export function createBootstrappedMean(): BootstrappedMean {
  const sums = new Float64Array(replicates);
  const counts = new Float32Array(replicates);
  let count = 0;
  let sum = 0;
  return {
    get count() {
      return count;
    },
    add(value, weights) {
      count += 1;
      sum += value;
      for (let i = 0; i < replicates; i++) {
        // Hot: all of them have one number a replicate.
        const weight = weights[i] as number;
        sums[i] = (sums[i] as number) + weight * value;
        counts[i] = (counts[i] as number) + weight;
      }
    },
    estimate() {
      if (count === 0) throw new RangeError('Expected values to estimate a mean of');
      // Of a few images, a replicate may have drawn none: it says nothing.
      const means = sums.map((total, i) => total / at(counts, i));
      const known = means.filter((mean) => !Number.isNaN(mean)).sort();
      const mean = sum / count;
      if (known.length === 0) return { mean, low: mean, high: mean };
      return { mean, low: quantile(known, 0.025), high: quantile(known, 0.975) };
    },
  };
}
