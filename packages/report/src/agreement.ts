import { at, mustGet } from '@umbra/shared/assert';
import type { JobReport } from '@umbra/shared/contracts/report';
import { halfWidth, noMoments, withValue } from './estimates.js';

/**
 * Maps that correlate less depend on the choice of fill or patch size. At a rank correlation of 0.5 they put two of
 * three pairs of cells in the same order (Kendall's tau 0.35 under a bivariate normal; Kruskal 1958), where chance
 * puts one of two.
 */
export const agreementThreshold = 0.5;
const maxWorst = 200;
/** Lower ends of the histogram's bins; divided and not added up, so that the threshold is one of them. */
const binStarts: readonly number[] = Array.from({ length: 20 }, (_, bin) => (bin - 10) / 10);

type Agreement = NonNullable<JobReport['trust']['agreement']>;

export type AgreementRanking = {
  /** Take an image, whose maps agree so much; null where that is not known. */
  add(image: { readonly id: string; readonly name: string }, agreement: number | null): void;
  /** Null where no image's agreement is known. */
  finish(): Agreement | null;
};

/**
 * The lowest Spearman rank correlation between any two maps of an image, in [-1, 1], over the cells that both have;
 * equal values have their mean rank. Null where there are fewer than two maps, where a map is the same everywhere,
 * and where two have fewer than 3 cells in common.
 *
 * @param maps On one lattice; NaN where a map has no value.
 */
export function agreementOf(maps: readonly Float32Array[]): number | null {
  let lowest: number | null = null;
  for (let first = 0; first < maps.length; first += 1) {
    for (let second = first + 1; second < maps.length; second += 1) {
      const correlation = spearman(at(maps, first), at(maps, second));
      if (correlation === null) return null;
      lowest = Math.min(lowest ?? 1, correlation);
    }
  }
  return lowest;
}

/** Sum up images' agreement, with the least agreeing ones. Memory does not grow with the number of images. */
export function createAgreementRanking(maps: Agreement['maps']): AgreementRanking {
  const worst: Agreement['worst'] = [];
  const histogram = binStarts.map(() => 0);
  let unstable = 0;
  let moments = noMoments;
  return {
    add({ id, name }, agreement) {
      if (agreement === null) return;
      if (agreement < agreementThreshold) unstable += 1;
      const bin = binStarts.findLastIndex((start) => agreement >= start);
      histogram[bin] = at(histogram, bin) + 1;
      moments = withValue(moments, agreement);
      worst.push({ id, name, agreement });
      if (worst.length === 2 * maxWorst) keepWorst(worst);
    },
    finish() {
      const { count: images, mean } = moments;
      if (images === 0) return null;
      keepWorst(worst);
      // One image alone says nothing of where the mean lies.
      const half = images === 1 ? 2 : halfWidth(moments);
      return {
        maps: [...maps],
        images,
        mean: { mean, low: Math.max(-1, mean - half), high: Math.min(1, mean + half) },
        threshold: agreementThreshold,
        unstable,
        histogram: [...histogram],
        worst: [...worst],
      };
    },
  };
}

function keepWorst(worst: Agreement['worst']): void {
  worst.sort((a, b) => a.agreement - b.agreement);
  worst.length = Math.min(worst.length, maxWorst);
}

function spearman(a: Float32Array, b: Float32Array): number | null {
  const isShared = (_: number, cell: number) => !Number.isNaN(at(a, cell) + at(b, cell));
  const shared = a.filter(isShared);
  return shared.length < 3 ? null : pearson(ranks(shared), ranks(b.filter(isShared)));
}

/** Ranks from 1; equal values share the mean of theirs. */
function ranks(values: Float32Array): Float64Array {
  const sorted = values.slice().sort();
  const rankOf = new Map<number, number>();
  for (let start = 0; start < sorted.length; ) {
    const value = at(sorted, start);
    let end = start + 1;
    while (sorted[end] === value) end += 1;
    rankOf.set(value, (start + 1 + end) / 2);
    start = end;
  }
  return Float64Array.from(values, (value) => mustGet(rankOf, value));
}

/** Null where one is the same everywhere. Ranks have one mean, (n + 1) / 2. */
function pearson(a: Float64Array, b: Float64Array): number | null {
  const mean = (a.length + 1) / 2;
  let [product, squareA, squareB] = [0, 0, 0];
  for (const index of a.keys()) {
    const [x, y] = [at(a, index) - mean, at(b, index) - mean];
    product += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  if (squareA === 0 || squareB === 0) return null;
  return Math.max(-1, Math.min(1, product / Math.sqrt(squareA * squareB)));
}
