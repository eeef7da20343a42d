import { at } from '@umbra/shared/assert';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { ClusteredPatches, SeenPatch } from './candidate.js';
import { type ClusterDescription, describeCluster, type UnitPatch } from './describe-cluster.js';
import { partition } from './partition.js';
import { rankClusters } from './rank-clusters.js';
import { mapRested, type Rest } from './rest.js';
import { createProjection, meanVector, unitVector } from './vectors.js';

export type ClusteringOptions = {
  readonly seed: number;
  /** Unit of scores and drops. */
  readonly unit: OcclusionSettings['score'];
  readonly rest: Rest;
};

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
  const center = centerOf(groups);
  const project = createProjection(at(patches, 0).features.length, seed);
  const choices: ClusteredPatches['choices'] = [];
  const described: ClusterDescription[] = [];
  // The class with the most patches first; equal ones in the order of their first patch.
  for (const group of groups.toSorted((a, b) => b.length - a.length)) {
    const units = await mapRested(
      group,
      (patch) => ({ ...patch, unit: unitOf(patch, center) }),
      rest,
    );
    const points = await mapRested(units, ({ unit: vector }) => project(vector), rest);
    const { clusters, silhouette } = await partition(points, seed, rest);
    const parts = partsOf(units, clusters);
    choices.push({ class: at(group, 0).class, clusters: parts.length, silhouette });
    for (const part of parts) {
      await rest();
      described.push(describeCluster(part, { ofClass: units.length, unit }));
    }
  }
  return { choices, ...(await rankClusters(described, rest)) };
}

function groupByClass(patches: readonly SeenPatch[]): readonly (readonly SeenPatch[])[] {
  const groups = new Map<string, SeenPatch[]>();
  for (const patch of patches) {
    const key = JSON.stringify([patch.class.index, patch.class.label]);
    const group = groups.get(key) ?? [];
    group.push(patch);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** What is left of a patch's features without what all have in common, at length 1. */
const unitOf = ({ features }: SeenPatch, center: Float64Array): Float32Array =>
  unitVector(features.map((value, index) => value - at(center, index)));

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
