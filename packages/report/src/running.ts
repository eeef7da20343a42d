import { at } from '@umbra/shared/assert';
import type { ClassReport } from '@umbra/shared/contracts/report';
import { halfWidth, type Moments, mergeMoments, noMoments, withValue } from './estimates.js';

type RunningStep = ClassReport['running'][number];

/** Images of which the first interval is told. */
const minImages = 10;
const maxLevel = 40;

/** The mean over the first images of a seeded order, without keeping them all. */
export type RunningMean = {
  /** @param rank The image's place in that order, in [0, 1). */
  add(rank: number, value: number): void;
  /** All of them. */
  all(): Moments;
  /**
   * The mean after 10, 20, 50, 100, ... images.
   *
   * @param first Values of the images of the lowest ranks, in that order. Beyond them, the mean is known after as
   *   many images as have a rank below 1/2, 1/4, and so on: about half of all, a quarter, ...
   */
  steps(first: readonly number[]): RunningStep[];
};

export function createRunningMean(): RunningMean {
  // Ranks in [2^-(level + 1), 2^-level): those of a level and above are the first of the order.
  const levels = new Array<Moments>(maxLevel + 1).fill(noMoments);
  const all = () => levels.reduce(mergeMoments, noMoments);
  return {
    all,
    add(rank, value) {
      const level = rank > 0 ? Math.min(maxLevel, Math.floor(-Math.log2(rank))) : maxLevel;
      levels[level] = withValue(at(levels, level), value);
    },
    steps(first) {
      const steps: RunningStep[] = [];
      let moments = noMoments;
      const { count } = all();
      for (const value of first) {
        moments = withValue(moments, value);
        if (isRound(moments.count) || moments.count === count) addStep(steps, moments);
      }
      let sofar = noMoments;
      for (const level of levels.toReversed()) {
        sofar = mergeMoments(sofar, level);
        if (sofar.count > first.length && sofar.count > (steps.at(-1)?.images ?? 0)) {
          addStep(steps, sofar);
        }
      }
      return steps;
    },
  };
}

function addStep(steps: RunningStep[], moments: Moments): void {
  if (moments.count < minImages) return;
  steps.push({ images: moments.count, mean: moments.mean, halfWidth: halfWidth(moments) });
}

/** Whether it is 1, 2 or 5 times a power of ten. */
function isRound(count: number): boolean {
  const power = 10 ** (String(count).length - 1);
  return [1, 2, 5].includes(count / power);
}

/** The images after which the half-width stays at or below a tolerance; null where it does not. */
export function enoughImages(
  steps: readonly RunningStep[],
  tolerance: number,
): ClassReport['enough'] {
  const last = steps.findLastIndex((step) => step.halfWidth > tolerance);
  return { images: steps[last + 1]?.images ?? null, tolerance };
}
