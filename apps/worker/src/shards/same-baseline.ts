import type { BaselineRun } from '@umbra/shared/contracts/shard';

/** Maximum relative difference: machines round differently; more is another model or image. */
const baselineTolerance = 1e-4;

/** Whether two baseline runs have the same targets with the same scores. */
export function isSameBaseline(a: BaselineRun, b: BaselineRun): boolean {
  return (
    a.targets.length === b.targets.length &&
    a.targets.every(({ index, score }, position) => {
      const other = b.targets[position];
      return index === other?.index && isNear(score, other.score);
    })
  );
}

const isNear = (one: number, other: number): boolean =>
  Math.abs(one - other) <= baselineTolerance * Math.max(1, Math.abs(one));
