import { at } from '@umbra/shared/assert';
import type { Estimate } from '@umbra/shared/contracts/report';
import { createRandom } from '@umbra/shared/random';

const resamples = 2_000;

/**
 * The mean with its bootstrap interval of 95 % (percentiles; Efron & Tibshirani 1993, 13.3), from 2,000 seeded
 * resamples.
 *
 * @throws {RangeError} If there are no values.
 */
export function bootstrapMean(values: readonly number[], seed: number): Estimate {
  if (values.length === 0) throw new RangeError('Expected values to estimate a mean of');
  const { below } = createRandom(seed);
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let index = 0; index < values.length; index += 1) sum += at(values, below(values.length));
    return sum / values.length;
  }).sort();
  return { mean: meanOf(values), low: quantile(means, 0.025), high: quantile(means, 0.975) };
}

/** The value below which a share of sorted values lies, between neighbours by proportion. */
export function quantile(sorted: readonly number[] | Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = at(sorted, below);
  return low + (place - below) * (at(sorted, Math.min(below + 1, sorted.length - 1)) - low);
}

/** The median of values in any order; `RangeError` without one. */
export const medianOf = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
const meanOf = (values: readonly number[]): number => sum(values) / values.length;
