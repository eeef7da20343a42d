import type { PatchCluster } from '@umbra/shared/contracts/report';
import type { ClusteredPatches } from './candidate.js';
import type { ClusterDescription } from './describe-cluster.js';
import type { Rest } from './rest.js';
import { dot } from './vectors.js';

/** A cluster of fewer patches is like others by chance; as many count for half of what many do. */
const fewImages = 8;

/**
 * Rank the clusters of all classes, the weightiest first, and number them in that order:
 *
 *     weight = loss * share * contrast * images / (images + 8)
 *
 * Loss is the median share of the score that covering the patch takes; where scores are no probabilities, the median
 * drop over the largest one of all clusters. Contrast is the mean cosine between its patches minus the largest one
 * between them and a cluster of another class. What takes nothing, or looks like another class's, has weight 0.
 */
export async function rankClusters(
  clusters: readonly ClusterDescription[],
  rest: Rest,
): Promise<Pick<ClusteredPatches, 'clusters' | 'members'>> {
  const largestDrop = Math.max(0, ...clusters.map(({ medianDrop }) => medianDrop));
  const weigh = (cluster: ClusterDescription) =>
    Math.max(0, cluster.medianLoss ?? shareOf(cluster.medianDrop, largestDrop)) *
    cluster.share *
    contrastOf(cluster, clusters) *
    (cluster.images / (cluster.images + fewImages));
  const ranked: (ClusterDescription & { readonly weight: number })[] = [];
  for (const cluster of clusters) {
    ranked.push({ ...cluster, weight: weigh(cluster) });
    await rest();
  }
  ranked.sort((a, b) => b.weight - a.weight);
  return {
    clusters: ranked.map(({ center, ids, ...cluster }, id) => ({ id, ...cluster })),
    members: ranked.flatMap(({ ids }, cluster) => ids.map((id) => ({ id, cluster }))),
  };
}

function contrastOf(
  { class: own, compactness, center }: ClusterDescription,
  clusters: readonly ClusterDescription[],
): number {
  let nearest = 0;
  for (const other of clusters) {
    if (other.class.label === own.label && other.class.index === own.index) continue;
    if (other.images >= fewImages) nearest = Math.max(nearest, dot(center, other.center));
  }
  return Math.max(0, compactness - nearest);
}

const shareOf = (drop: number, largest: number): number => (largest > 0 ? drop / largest : 0);

/**
 * The largest share of a class's patches in one cluster of which more than half lie off the object: 0 where there is
 * none, null without boxes.
 */
export function offObjectClusterShare(
  clusters: readonly Pick<PatchCluster, 'offObject' | 'share'>[],
): number | null {
  const known = clusters.filter(({ offObject }) => offObject !== null);
  if (known.length === 0) return null;
  const off = known.filter(({ offObject }) => (offObject ?? 0) > 0.5);
  return Math.max(0, ...off.map(({ share }) => share));
}
