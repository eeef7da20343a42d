import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { distancesOf, meanSilhouette } from './silhouette.js';

const points = [
  [0, 0],
  [1, 0],
  [0, 1],
  [5, 5],
  [6, 5],
  [5, 7],
  [10, 0],
  [3, 3],
];

describe('meanSilhouette', () => {
  // Golden values: silhouette_score of scikit-learn 1.9.1.
  test.each([
    { cluster: [0, 0, 0, 1, 1, 1, 2, 0], clusters: 3, expected: 0.539530577071157 },
    { cluster: [0, 0, 0, 1, 1, 1, 1, 1], clusters: 2, expected: 0.5137199541779213 },
  ])('equals scikit-learn with $clusters clusters', ({ cluster, clusters, expected }) => {
    expect(meanSilhouette(distancesOf(points), cluster, clusters)).toBeCloseTo(expected, 6);
  });

  test('counts an empty cluster as none', () => {
    const cluster = [0, 0, 0, 2, 2, 2, 2, 2];
    expect(meanSilhouette(distancesOf(points), cluster, 3)).toBeCloseTo(0.5137199541779213, 6);
  });

  test('of points that are all the same is 0', () => {
    const same = Array.from({ length: 4 }, () => [2, 3]);
    expect(meanSilhouette(distancesOf(same), [0, 0, 1, 1], 2)).toBe(0);
  });

  test('lies in [-1, 1] and does not depend on the names of clusters', () => {
    const point = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }));
    const labelled = fc.array(fc.tuple(point, fc.integer({ min: 0, max: 2 })), { minLength: 2 });
    fc.assert(
      fc.property(labelled, (rows) => {
        const cluster = rows.map(([, label]) => label);
        fc.pre(new Set(cluster).size > 1);
        const distances = distancesOf(rows.map(([place]) => place));
        const value = meanSilhouette(distances, cluster, 3);
        expect(Math.abs(value)).toBeLessThanOrEqual(1);
        const renamed = cluster.map((label) => 2 - label);
        expect(meanSilhouette(distances, renamed, 3)).toBeCloseTo(value, 12);
      }),
    );
  });
});
