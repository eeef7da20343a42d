import { at } from '@umbra/shared/assert';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { ClusteredPatches, SeenPatch } from './candidate.js';
import { describeCluster, type UnitPatch } from './describe-cluster.js';
import { partition } from './partition.js';
import { rankClusters } from './rank-clusters.js';
import { createProjection, meanVector, unitVector } from './vectors.js';

type PatchGroup = { readonly class: SeenPatch['class']; readonly patches: readonly UnitPatch[] };

/**
 * Cluster the decisive patches of each class by what the model sees in them, and rank the clusters of all classes:
 * docs/report.md has the definitions. The same patches in the same order give the same clusters.
 *
 * @param patches Features of one length, finite.
 * @param unit Of scores and drops.
 */
export function clusterPatches(
  patches: readonly SeenPatch[],
  { seed, unit }: { readonly seed: number; readonly unit: OcclusionSettings['score'] },
): ClusteredPatches {
  if (patches.length === 0) return { choices: [], clusters: [], members: [] };
  const groups = groupByClass(patches);
  const project = createProjection(at(patches, 0).features.length, seed);
  const othersOf = openOthers(groups);
  const parted = groups.map((group) => {
    const points = group.patches.map((patch) => project(patch.unit));
    const { clusters, silhouette } = partition(points, seed);
    const surroundings = { ofClass: group.patches.length, unit, others: othersOf(group) };
    const parts = partsOf(group.patches, clusters);
    return {
      ...group,
      silhouette,
      parts: parts.map((part) => describeCluster(part, surroundings)),
    };
  });
  return {
    choices: parted.map(({ class: of, parts, silhouette }) => ({
      class: of,
      clusters: parts.length,
      silhouette,
    })),
    ...rankClusters(parted.flatMap(({ parts }) => parts)),
  };
}

/** The class with the most patches first; equal ones in the order of their first patch. */
function groupByClass(patches: readonly SeenPatch[]): readonly PatchGroup[] {
  const groups = new Map<string, UnitPatch[]>();
  for (const patch of patches) {
    const key = JSON.stringify([patch.class.index, patch.class.label]);
    const group = groups.get(key) ?? [];
    group.push({ ...patch, unit: unitVector(patch.features) });
    groups.set(key, group);
  }
  return [...groups.values()]
    .map((members) => ({ class: at(members, 0).class, patches: members }))
    .sort((a, b) => b.patches.length - a.patches.length);
}

/** The mean of the patches of all classes but one; null where there are none. */
function openOthers(groups: readonly PatchGroup[]): (group: PatchGroup) => Float64Array | null {
  const units = ({ patches }: PatchGroup) => patches.map(({ unit }) => unit);
  const all = groups.flatMap(units);
  const mean = meanVector(all);
  return (group) => {
    const others = all.length - group.patches.length;
    if (others === 0) return null;
    const own = meanVector(units(group));
    const share = group.patches.length / all.length;
    return mean.map((value, index) => ((value - share * at(own, index)) * all.length) / others);
  };
}

/** The members of each cluster that has some. */
function partsOf(
  patches: readonly UnitPatch[],
  clusters: readonly number[],
): readonly (readonly UnitPatch[])[] {
  const parts = new Map<number, UnitPatch[]>();
  patches.forEach((patch, index) => {
    const cluster = at(clusters, index);
    const part = parts.get(cluster) ?? [];
    part.push(patch);
    parts.set(cluster, part);
  });
  return [...parts.values()];
}
