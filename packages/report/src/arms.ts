import { at } from '@umbra/shared/assert';
import type { Estimate } from '@umbra/shared/contracts/report';
import type { TrialArm, TrialEffect } from '@umbra/shared/contracts/trial';

/** Classes of one image, by index; where none is predicted, another number. */
export type TrialPair = {
  /** What its label names; null without one: then what is predicted before is right. */
  readonly expected: number | null;
  /** Predicted before and after something was done to the image. */
  readonly before: number;
  readonly after: number;
};

/** How many images have something before and after (both), in one of them alone, and in neither. */
type PairedCounts = { both: number; before: number; after: number; neither: number };

/**
 * Sum up the same images before and after: the share that is right, and the share predicted as one class.
 *
 * @param classIndex The trial's class; null where it is none of the model's, and never predicted.
 * @throws {RangeError} If there are no images.
 */
export function summariseArm(
  pairs: readonly TrialPair[],
  { classIndex }: { readonly classIndex: number | null },
): TrialArm {
  if (pairs.length === 0) throw new RangeError('Expected images to sum up');
  const right = countPairs(pairs, ({ expected, before }) => expected ?? before);
  const asClass = countPairs(pairs, () => classIndex);
  return { images: pairs.length, ...summarise(right), asClass: summarise(asClass) };
}

/**
 * What was done to images beyond what a control did to the same ones.
 *
 * @param own As `control`, image by image, of one length of at least one.
 * @throws {RangeError} If there are no images, or other ones.
 */
export function summariseEffect(
  { own, control }: { readonly own: readonly TrialPair[]; readonly control: readonly TrialPair[] },
  trial: { readonly classIndex: number | null },
): TrialEffect {
  if (own.length !== control.length) throw new RangeError('Expected the same images');
  const beside = own.map(({ expected, before, after }, index) => ({
    ...{ expected: expected ?? before, after },
    before: at(control, index).after,
  }));
  const { difference, asClass } = summariseArm(beside, trial);
  return { right: difference, asClass: asClass.difference };
}

function countPairs(
  pairs: readonly TrialPair[],
  wantedOf: (pair: TrialPair) => number | null,
): PairedCounts {
  const counts = { both: 0, before: 0, after: 0, neither: 0 };
  for (const pair of pairs) {
    const wanted = wantedOf(pair);
    const [wasSo, isSo] = [pair.before === wanted, pair.after === wanted];
    if (wasSo) counts[isSo ? 'both' : 'before'] += 1;
    else counts[isSo ? 'after' : 'neither'] += 1;
  }
  return counts;
}

function summarise(counts: PairedCounts): Omit<TrialArm, 'images' | 'asClass'> {
  const images = counts.both + counts.before + counts.after + counts.neither;
  return {
    before: (counts.both + counts.before) / images,
    after: (counts.both + counts.after) / images,
    difference: pairedDifference(counts),
  };
}

/**
 * Share after minus share before, of the same images, with its interval of 95 %: Newcombe, Statistics in Medicine
 * 17(22), 1998, method 10, from the score intervals of both shares and their correlation.
 */
export function pairedDifference({ both, before, after, neither }: PairedCounts): Estimate {
  const images = both + before + after + neither;
  const [now, then] = [wilson(both + after, images), wilson(both + before, images)];
  const phi = correlation({ both, before, after, neither });
  const mean = (after - before) / images;
  return {
    mean,
    low: Math.max(-1, mean - combined(now.mean - now.low, then.high - then.mean, phi)),
    high: Math.min(1, mean + combined(now.high - now.mean, then.mean - then.low, phi)),
  };
}

/** Distance of a difference's end, from those of both ends that it has been made of. */
const combined = (one: number, other: number, phi: number): number =>
  Math.sqrt(Math.max(0, one ** 2 - 2 * phi * one * other + other ** 2));

/** Phi of the paired counts, where it is positive with a correction for continuity; 0 where it has none. */
function correlation({ both, before, after, neither }: PairedCounts): number {
  const margins = (both + before) * (after + neither) * (both + after) * (before + neither);
  if (margins === 0) return 0;
  const excess = both * neither - before * after;
  const half = (both + before + after + neither) / 2;
  return (excess > 0 ? Math.max(0, excess - half) : excess) / Math.sqrt(margins);
}

const z = 1.959963984540054;

/** A share with its score interval of 95 % (Wilson, J. Am. Stat. Assoc. 22, 1927). */
function wilson(count: number, of: number): Estimate {
  const mean = count / of;
  const center = mean + z ** 2 / (2 * of);
  const half = z * Math.sqrt((mean * (1 - mean) + z ** 2 / (4 * of)) / of);
  const scale = 1 + z ** 2 / of;
  return { mean, low: (center - half) / scale, high: (center + half) / scale };
}
