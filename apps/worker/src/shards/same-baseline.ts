import type { CleanRun } from '@umbra/shared/contracts/shard';

/** Clean runs may differ by a rounding between machines; anything more is another model or image. */
const cleanTolerance = 1e-4;

/** Whether two clean runs watch the same classes and say the same of them. */
export function areSameClean(a: CleanRun, b: CleanRun): boolean {
  return (
    a.targets.length === b.targets.length &&
    a.targets.every(({ index, score }, at) => {
      const other = b.targets[at];
      return index === other?.index && isNear(score, other.score);
    })
  );
}

const isNear = (one: number, other: number): boolean =>
  Math.abs(one - other) <= cleanTolerance * Math.max(1, Math.abs(one));
