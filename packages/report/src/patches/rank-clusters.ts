import type { PatchCluster } from '@umbra/shared/contracts/report';
import type { ClusteredPatches } from './candidate.js';
import type { ClusterDescription } from './describe-cluster.js';

/** Images from which on a cluster counts for more than half: the fewest that are parted. */
const fewImages = 8;

/**
 * Rank the clusters of all classes, the weightiest first, and number them in that order:
 *
 *     weight = loss * share * contrast * (1 + off the object) * images / (images + 8)
 *
 * Loss is the median share of the score that covering the patch takes; where scores are no probabilities, the median
 * drop over the largest one of all clusters. What takes nothing, or looks like other classes' patches, has weight 0.
 */
export function rankClusters(
  clusters: readonly ClusterDescription[],
): Pick<ClusteredPatches, 'clusters' | 'members'> {
  const largestDrop = Math.max(0, ...clusters.map(({ medianDrop }) => medianDrop));
  const weigh = ({
    medianLoss,
    medianDrop,
    share,
    contrast,
    offObject,
    images,
  }: ClusterDescription) =>
    Math.max(0, medianLoss ?? shareOf(medianDrop, largestDrop)) *
    share *
    Math.max(0, contrast) *
    (1 + (offObject ?? 0)) *
    (images / (images + fewImages));
  const ranked = clusters
    .map((cluster) => ({ ...cluster, weight: weigh(cluster) }))
    .sort((a, b) => b.weight - a.weight);
  return {
    clusters: ranked.map(({ contrast, ids, ...cluster }, id) => ({ id, ...cluster })),
    members: ranked.flatMap(({ ids }, cluster) => ids.map((id) => ({ id, cluster }))),
  };
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
