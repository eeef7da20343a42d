import { deadShare, type WeightSurvey } from '../network/kernels.js';

/** Count of dead kernels that are named. */
const maxNamed = 12;

/** Count and name a layer's dead kernels, for a caption. */
export function describeDead({ dead }: WeightSurvey): string {
  if (dead.length === 0) return 'no dead kernels';
  const named = dead.slice(0, maxNamed).join(', ');
  const more = dead.length > maxNamed ? ` and ${dead.length - maxNamed} more` : '';
  const kernels = dead.length === 1 ? '1 dead kernel' : `${dead.length} dead kernels`;
  return `${kernels}, marked \u2715 (no weight above ${deadShare * 100} % of the layer's largest): ${named}${more}`;
}
