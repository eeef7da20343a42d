import type { BaselineRun } from '@umbra/shared/contracts/shard';

/** Clean runs may differ by a rounding between machines; anything more is another model or image. */
const baselineTolerance = 1e-4;

/** Whether two clean runs watch the same classes and say the same of them. */
export function isSameBaseline(a: BaselineRun, b: BaselineRun): boolean {
  return (
    a.targets.length === b.targets.length &&
    a.targets.every(({ index, score }, at) => {
      const other = b.targets[at];
      return index === other?.index && isNear(score, other.score);
    })
  );
}

const isNear = (one: number, other: number): boolean =>
  Math.abs(one - other) <= baselineTolerance * Math.max(1, Math.abs(one));
