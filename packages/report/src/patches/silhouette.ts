import { at } from '@umbra/shared/assert';

/** Distances between points: `[index * count + other]`, Euclidean. */
export type Distances = { readonly count: number; readonly values: Float32Array };

/** All distances between points of one length: `count` squared numbers, so for few points alone. */
export function distancesOf(points: readonly (readonly number[])[]): Distances {
  const count = points.length;
  const values = new Float32Array(count * count);
  for (let a = 0; a < count; a += 1) {
    for (let b = a + 1; b < count; b += 1) {
      const distance = euclidean(at(points, a), at(points, b));
      values[a * count + b] = distance;
      values[b * count + a] = distance;
    }
  }
  return { count, values };
}

/**
 * Mean silhouette (Rousseeuw 1987) of points in `clusters` clusters: for each point (b - a) / max(a, b), where a is
 * its mean distance to the others of its cluster and b the lowest mean distance to those of another; 0 for a point
 * alone in its cluster, and where both are 0.
 *
 * @param cluster The cluster of each point, in [0, clusters); at least two clusters have points.
 */
export function meanSilhouette(
  { count, values }: Distances,
  cluster: readonly number[],
  clusters: number,
): number {
  const sizes = new Float64Array(clusters);
  for (const one of cluster) sizes[one] = at(sizes, one) + 1;
  let sum = 0;
  for (let point = 0; point < count; point += 1) {
    const own = at(cluster, point);
    const totals = new Float64Array(clusters);
    for (let other = 0; other < count; other += 1) {
      // A measured inner loop: the indices are in range by construction.
      const there = cluster[other] as number;
      totals[there] = (totals[there] as number) + (values[point * count + other] as number);
    }
    sum += silhouetteOf(own, totals, sizes);
  }
  return sum / count;
}

function silhouetteOf(own: number, totals: Float64Array, sizes: Float64Array): number {
  if (at(sizes, own) === 1) return 0;
  const within = at(totals, own) / (at(sizes, own) - 1);
  let nearest = Number.POSITIVE_INFINITY;
  sizes.forEach((size, index) => {
    if (index !== own && size > 0) nearest = Math.min(nearest, at(totals, index) / size);
  });
  const larger = Math.max(within, nearest);
  return larger === 0 ? 0 : (nearest - within) / larger;
}

function euclidean(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  // A measured inner loop: both have one length.
  for (let index = 0; index < a.length; index += 1) {
    const difference = (a[index] as number) - (b[index] as number);
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}
