import { createRandom } from '@umbra/shared/random';
import { describe, expect, test } from 'vitest';
import { createNormal } from '../normal.js';
import { partition as partitionRested } from './partition.js';

const partition = (points: readonly (readonly number[])[], seed: number) =>
  partitionRested(points, seed, async () => undefined);

/** Points around so many corners of a cube, in turn, with a spread of 0.1 times a normal number. */
function around(corners: number, count: number, seed: number): number[][] {
  const normal = createNormal(seed);
  return Array.from({ length: count }, (_, index) =>
    [1, 2, 4].map((bit) => ((index % corners) & bit ? 1 : 0) + 0.1 * normal()),
  );
}

/** Whether two points share a cluster exactly where they share a corner. */
const follows = (clusters: readonly number[], corners: number): boolean =>
  clusters.every((cluster, index) =>
    clusters.every((other, at) => (cluster === other) === (index % corners === at % corners)),
  );

describe('partition', () => {
  test.each([2, 3, 5, 8])('finds %i groups and how many they are', async (corners) => {
    const { clusters, silhouette } = await partition(around(corners, 120, corners), 7);
    expect(new Set(clusters).size).toBe(corners);
    expect(follows(clusters, corners)).toBe(true);
    expect(silhouette).toBeGreaterThan(0.6);
  });

  test('leaves points without structure together', async () => {
    const normal = createNormal(5);
    const points = Array.from({ length: 200 }, () => Array.from({ length: 64 }, normal));
    expect(await partition(points, 1)).toEqual({ clusters: points.map(() => 0), silhouette: null });
  });

  test('leaves fewer than 8 points together, however far apart', async () => {
    const few = [0, 0, 0, 9, 9, 9, 9].map((value) => [value]);
    expect((await partition(few, 1)).silhouette).toBeNull();
    expect(new Set((await partition([...few, [0]], 1)).clusters).size).toBe(2);
  });

  test('of points of which few differ has no more clusters than they are', async () => {
    const two = Array.from({ length: 40 }, (_, index) => [index % 2, 0]);
    const { clusters, silhouette } = await partition(two, 1);
    expect(silhouette).toBe(1);
    expect(new Set(clusters).size).toBe(2);
    expect(follows(clusters, 2)).toBe(true);
    const same = Array.from({ length: 40 }, () => [1, 0]);
    expect(await partition(same, 1)).toEqual({ clusters: same.map(() => 0), silhouette: null });
  });

  test('decides by 500 of many points, and joins the others', async () => {
    const { clusters } = await partition(around(4, 1_300, 9), 3);
    expect(clusters).toHaveLength(1_300);
    expect(new Set(clusters).size).toBe(4);
    expect(follows(clusters.slice(0, 200), 4)).toBe(true);
  });

  test('rests between steps of many points', async () => {
    const { uniform } = createRandom(1);
    const line = Array.from({ length: 2_000 }, () => [uniform()]);
    let rests = 0;
    await partitionRested(line, 1, async () => {
      rests += 1;
    });
    // 11 numbers of clusters, and steps until the centres stay.
    expect(rests).toBeGreaterThan(11 + 3);
  });

  test('depends on the seed alone', async () => {
    const points = around(3, 540, 2).map((point) => point.map((value) => value * 0.4));
    for (const seed of [0, 2 ** 32 - 1]) {
      expect(await partition(points, seed)).toEqual(await partition(points, seed));
    }
  });
});
