import { at } from '@umbra/shared/assert';
import { createRandom } from '@umbra/shared/random';
import { kmeans, kmeansGenerator } from 'ml-kmeans';
import type { Rest } from './rest.js';
import { distancesOf, meanSilhouette } from './silhouette.js';

const maxClusters = 12;
/** Fewer points stay together. */
const minPoints = 8;
/** Below it no substantial structure has been found (Kaufman & Rousseeuw 1990, table 4 of chapter 2). */
const minSilhouette = 0.25;
/** Points by which the number of clusters is chosen, at most: a silhouette needs all distances between them. */
const maxJudged = 500;
/** Starts of k-means for each number of clusters; the one with the least error is taken. */
const starts = 4;

type PatchPoint = readonly number[];
/** The cluster of each point, and the mean silhouette of the choice; null where all are one cluster. */
export type Partition = {
  readonly clusters: readonly number[];
  readonly silhouette: number | null;
};

/**
 * Part points into 1 to 12 clusters by k-means (k-means++, seeded), as many as have the largest mean silhouette.
 * They are one cluster where that is below 0.25, or where there are fewer than 8 points. Of more than 500 points,
 * as many drawn by the seed decide; the others join the clusters that these make.
 */
export async function partition(
  points: readonly PatchPoint[],
  seed: number,
  rest: Rest,
): Promise<Partition> {
  const together = { clusters: points.map(() => 0), silhouette: null };
  if (points.length < minPoints) return together;
  const judged = drawSome(points, seed);
  const distances = distancesOf(judged);
  const max = Math.min(maxClusters, judged.length - 1, countDistinct(judged));
  let best: { centroids: number[][]; silhouette: number } | null = null;
  for (let count = 2; count <= max; count += 1) {
    await rest();
    const { clusters, centroids } = bestOfStarts(judged, count, seed);
    const silhouette = meanSilhouette(distances, clusters, count);
    if (best === null || silhouette > best.silhouette) best = { centroids, silhouette };
  }
  if (best === null || best.silhouette < minSilhouette) return together;
  return { clusters: await joinAll(points, best.centroids, rest), silhouette: best.silhouette };
}

type Clustering = { readonly clusters: number[]; readonly centroids: number[][] };

function bestOfStarts(points: readonly PatchPoint[], count: number, seed: number): Clustering {
  const data = points as number[][];
  const runs = Array.from({ length: starts }, (_, start) => {
    const { clusters, centroids } = kmeans(data, count, { seed: seed + start });
    const error = points.reduce(
      (sum, point, index) => sum + squaredDistance(point, at(centroids, at(clusters, index))),
      0,
    );
    return { clusters, centroids, error };
  });
  return runs.reduce((best, run) => (run.error < best.error ? run : best));
}

/**
 * K-means of all points from centroids of some: clusters that stay empty are kept, and have no points. One step of it
 * passes over all points.
 */
async function joinAll(
  points: readonly PatchPoint[],
  centroids: number[][],
  rest: Rest,
): Promise<readonly number[]> {
  const options = { initialization: centroids };
  let clusters: readonly number[] = [];
  for (const step of kmeansGenerator(points as number[][], centroids.length, options)) {
    clusters = step.clusters;
    await rest();
  }
  return clusters;
}

/** As many points as are judged, each as likely, in their order (selection sampling; Knuth 1997, 3.4.2 S). */
function drawSome(points: readonly PatchPoint[], seed: number): readonly PatchPoint[] {
  if (points.length <= maxJudged) return points;
  const { uniform } = createRandom(seed);
  let wanted = maxJudged;
  return points.filter((_, index) => {
    const isDrawn = uniform() * (points.length - index) < wanted;
    if (isDrawn) wanted -= 1;
    return isDrawn;
  });
}

/** Different points, counted up to the most clusters: k-means++ cannot draw more centres. */
function countDistinct(points: readonly PatchPoint[]): number {
  const distinct = new Set<string>();
  for (const point of points) {
    distinct.add(point.join());
    if (distinct.size >= maxClusters) break;
  }
  return distinct.size;
}

function squaredDistance(a: PatchPoint, b: PatchPoint): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (at(a, index) - at(b, index)) ** 2;
  return sum;
}
