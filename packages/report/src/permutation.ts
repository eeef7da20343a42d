import { at } from '@umbra/shared/assert';
import { createRandom } from '@umbra/shared/random';

/** Draws that a p-value takes at most, unless it is told otherwise. */
const defaultDraws = 9_999;
/** Draws at least as extreme after which a p-value is known well enough. */
const maxHits = 100;
/** Up to so many values, all flips of their signs are counted. */
const maxExact = 12;

/** How chance is drawn for a test. */
export type TestDraws = { readonly seed: number; readonly draws?: number | undefined };

/**
 * Estimate a p-value by drawing: the share of draws at least as extreme as what was seen, which counts as one, so
 * that it is never 0; or, once 100 such were drawn, their share of the draws until then.
 *
 * @see Phipson, Smyth, Stat. Appl. Genet. Mol. Biol. 9(1), 2010, for (1 + b) / (1 + m); Besag, Clifford, Biometrika
 *   78(2), 1991, for stopping, by which such p-values stay valid.
 */
export function drawP(isExtreme: () => boolean, maxDraws = defaultDraws): number {
  let hits = 0;
  for (let draw = 1; draw <= maxDraws; draw++) {
    if (isExtreme()) hits += 1;
    if (hits === maxHits) return hits / draw;
  }
  return (1 + hits) / (1 + maxDraws);
}

/**
 * One-sided p-value that values have a mean above 0, by flipping their signs: the share of flips whose sum is at
 * least what was seen. All flips of up to 12 values; beyond, seeded draws (see `drawP`).
 *
 * @see Fisher, "The Design of Experiments", 1935, 21; Good, "Permutation, Parametric and Bootstrap Tests of
 *   Hypotheses", 2005.
 */
export function signFlipP(values: ArrayLike<number>, { seed, draws }: TestDraws): number {
  const tables = Array.from({ length: Math.ceil(values.length / 8) }, (_, nth) =>
    flippedSums(values, 8 * nth),
  );
  const seen = tables.reduce((sum, table) => sum + at(table, 0), 0);
  // Sums of the same numbers in another order may differ in their last digits.
  const limit = seen - 1e-12 * Array.from(values, Math.abs).reduce((sum, value) => sum + value, 0);
  if (values.length <= maxExact) {
    const flips = 2 ** values.length;
    let hits = 0;
    for (let flip = 0; flip < flips; flip++) {
      const sum = tables.reduce(
        (total, table, nth) => total + at(table, (flip >> (8 * nth)) & 255),
        0,
      );
      if (sum >= limit) hits += 1;
    }
    return hits / flips;
  }
  const { below } = createRandom(seed);
  return drawP(() => {
    let sum = 0;
    let bits = 0;
    for (let nth = 0; nth < tables.length; nth++) {
      bits = nth % 4 === 0 ? below(2 ** 32) : bits >>> 8;
      // Hot: a byte is an index of a table of 256.
      sum += (tables[nth] as Float64Array)[bits & 255] as number;
    }
    return sum >= limit;
  }, draws);
}

/** Sums of up to 8 values from `start` on, by which of their signs are flipped: a bit each of the index. */
function flippedSums(values: ArrayLike<number>, start: number): Float64Array {
  const sums = new Float64Array(256);
  for (let nth = 0; nth < 8; nth++) sums[0] = at(sums, 0) + (values[start + nth] ?? 0);
  for (let flips = 1; flips < 256; flips++) {
    const last = 31 - Math.clz32(flips);
    sums[flips] = at(sums, flips ^ (1 << last)) - 2 * (values[start + last] ?? 0);
  }
  return sums;
}

/**
 * Adjust p-values for their number, so that those at or below a rate have at most that expected share of false ones.
 *
 * @returns In the order given, each at most 1.
 * @see Benjamini, Hochberg, J. R. Stat. Soc. B 57(1), 1995.
 */
export function adjustP(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => at(values, b) - at(values, a));
  const adjusted = new Array<number>(values.length).fill(1);
  let lowest = 1;
  for (const [nth, index] of order.entries()) {
    lowest = Math.min(lowest, (at(values, index) * values.length) / (values.length - nth));
    adjusted[index] = lowest;
  }
  return adjusted;
}
