import { at } from '@umbra/shared/assert';
import type { PatchCluster } from '@umbra/shared/contracts/report';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { medianOf } from '../resample.js';
import type { SeenPatch } from './candidate.js';
import { dot, meanVector } from './vectors.js';

const maxMembers = 200;

/** A patch with its features, less what all classes have in common, at length 1. */
export type UnitPatch = SeenPatch & { readonly unit: Float32Array };

/** A cluster before it has its place among all. */
export type ClusterDescription = Omit<PatchCluster, 'id' | 'weight'> & {
  /** Mean of its patches' features. */
  readonly center: Float64Array;
  /** The images of all its patches. */
  readonly ids: readonly string[];
};

/**
 * What a cluster's patches have in common.
 *
 * @param patches At least one.
 * @param ofClass Patches of the class that were clustered.
 */
export function describeCluster(
  patches: readonly UnitPatch[],
  { ofClass, unit }: { readonly ofClass: number; readonly unit: OcclusionSettings['score'] },
): ClusterDescription {
  const center = meanVector(patches.map((patch) => patch.unit));
  return {
    class: at(patches, 0).class,
    images: patches.length,
    share: patches.length / ofClass,
    medianDrop: medianOf(patches.map(({ drop }) => drop)),
    medianLoss: unit === 'probability' ? medianLoss(patches) : null,
    compactness: meanCosine(patches, center),
    center,
    offObject: offObjectShare(patches),
    place: {
      y: spread(patches.map(({ box, input }) => (box.top + box.bottom) / 2 / input.height)),
      x: spread(patches.map(({ box, input }) => (box.left + box.right) / 2 / input.width)),
    },
    members: nearestMembers(patches, center),
    ids: patches.map(({ id }) => id),
  };
}

/** Mean cosine between two different patches, from the length of their mean; 1 of a single one. */
function meanCosine(patches: readonly UnitPatch[], center: Float64Array): number {
  const count = patches.length;
  if (count === 1) return 1;
  const withThemselves = patches.reduce((sum, { unit }) => sum + dot(unit, unit), 0);
  return clampCosine((count ** 2 * dot(center, center) - withThemselves) / (count * (count - 1)));
}

/** Median of drop / score; a score of 0 has nothing to lose. */
const medianLoss = (patches: readonly UnitPatch[]): number =>
  medianOf(patches.map(({ drop, score }) => (score > 0 ? drop / score : 0)));

function offObjectShare(patches: readonly UnitPatch[]): number | null {
  const known = patches.filter(({ isOffObject }) => isOffObject !== null);
  if (known.length === 0) return null;
  return known.filter(({ isOffObject }) => isOffObject).length / known.length;
}

/** Mean and standard deviation (n - 1; 0 of a single value). */
function spread(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}

function nearestMembers(
  patches: readonly UnitPatch[],
  center: Float64Array,
): PatchCluster['members'] {
  const length = Math.sqrt(dot(center, center));
  return patches
    .map(({ id, name, drop, photoBox, unit }) => ({
      id,
      name,
      drop,
      box: photoBox,
      similarity: length === 0 ? 0 : clampCosine(dot(unit, center) / length),
    }))
    .sort((a, b) => b.similarity - a.similarity)
    .slice(0, maxMembers);
}

/** Rounding may carry a cosine a little beyond 1. */
const clampCosine = (value: number): number => Math.max(-1, Math.min(1, value));
