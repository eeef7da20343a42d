import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { ResolvedRun } from './resolve-run.js';

type CountedRun = Pick<ResolvedRun, 'settings'> & {
  readonly plan: Pick<OcclusionPlan, 'positions'>;
};

/** Forward passes of one image: the unoccluded one, the positions, and what faithfulness takes. */
export function countPasses(run: CountedRun): number {
  const { faithfulness, target } = run.settings;
  const targets = target.kind === 'top' ? target.k : 1;
  const measured = faithfulness === null ? 0 : 2 * (faithfulness.steps + 1) * targets;
  return 1 + countPositions(run) + measured;
}

/** Positions that are run, at most. */
export const countPositions = ({
  plan: { positions },
  settings: { refine },
}: CountedRun): number => (refine === null ? positions : Math.ceil(refine.share * positions));
