import { at } from '@umbra/shared/assert';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { ClusteredPatches, SeenPatch } from './candidate.js';
import { type ClusterDescription, describeCluster, type UnitPatch } from './describe-cluster.js';
import { partition } from './partition.js';
import { rankClusters } from './rank-clusters.js';
import { createProjection, meanVector, unitVector } from './vectors.js';

export type ClusteringOptions = {
  readonly seed: number;
  /** Unit of scores and drops. */
  readonly unit: OcclusionSettings['score'];
  /**
   * Awaited between pieces of the work, of which many patches take a minute: what it lets through is done meanwhile,
   * and what it throws ends the work.
   */
  readonly rest: () => Promise<void>;
};

type PatchGroup = { readonly class: SeenPatch['class']; readonly patches: readonly UnitPatch[] };

/**
 * Cluster the decisive patches of each class by what the model sees in them, and rank the clusters of all classes:
 * docs/report.md has the definitions. The same patches in the same order give the same clusters.
 *
 * @param patches Features of one length, finite.
 */
export async function clusterPatches(
  patches: readonly SeenPatch[],
  { seed, unit, rest }: ClusteringOptions,
): Promise<ClusteredPatches> {
  if (patches.length === 0) return { choices: [], clusters: [], members: [] };
  const groups = groupByClass(patches);
  const project = createProjection(at(patches, 0).features.length, seed);
  const choices: ClusteredPatches['choices'] = [];
  const described: ClusterDescription[] = [];
  for (const group of groups) {
    await rest();
    const points = group.patches.map((patch) => project(patch.unit));
    const { clusters, silhouette } = await partition(points, seed, rest);
    const parts = partsOf(group.patches, clusters).map((part) =>
      describeCluster(part, { ofClass: group.patches.length, unit }),
    );
    choices.push({ class: group.class, clusters: parts.length, silhouette });
    described.push(...parts);
  }
  return { choices, ...(await rankClusters(described, rest)) };
}

/** The class with the most patches first; equal ones in the order of their first patch. */
function groupByClass(patches: readonly SeenPatch[]): readonly PatchGroup[] {
  const groups = new Map<string, SeenPatch[]>();
  for (const patch of patches) {
    const key = JSON.stringify([patch.class.index, patch.class.label]);
    const group = groups.get(key) ?? [];
    group.push(patch);
    groups.set(key, group);
  }
  const center = centerOf([...groups.values()]);
  return [...groups.values()]
    .map((group) => ({
      class: at(group, 0).class,
      patches: group.map((patch) => ({
        ...patch,
        unit: unitVector(patch.features.map((value, index) => value - at(center, index))),
      })),
    }))
    .sort((a, b) => b.patches.length - a.patches.length);
}

/**
 * What features of all classes have in common: the mean of the classes' means, which no large class pulls to itself.
 * Crops of any photo may be so alike to a model that they differ by 1 % of it. Zeros where there is one class, since
 * what its patches have in common may be all that is to be found.
 */
function centerOf(groups: readonly (readonly SeenPatch[])[]): Float64Array {
  const means = groups.map((group) => meanVector(group.map(({ features }) => features)));
  return groups.length > 1 ? meanVector(means) : at(means, 0).fill(0);
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
