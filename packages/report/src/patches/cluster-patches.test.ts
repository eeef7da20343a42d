import { createRandom } from '@umbra/shared/random';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createNormal } from '../normal.js';
import type { SeenPatch } from './candidate.js';
import { clusterPatches } from './cluster-patches.js';
import { offObjectClusterShare } from './rank-clusters.js';

const input = { height: 100, width: 200 };
const boxAt = (top: number, left: number) => ({ top, left, bottom: top + 20, right: left + 20 });

function patch(
  index: number,
  features: readonly number[],
  more: Partial<SeenPatch> = {},
): SeenPatch {
  return {
    id: `img_${index}`,
    name: `${index}.png`,
    class: { index: 0, label: 'cat' },
    drop: 0.5,
    score: 0.8,
    box: boxAt(0, 0),
    photoBox: boxAt(5, 5),
    isOffObject: null,
    input,
    features: Float32Array.from(features),
    ...more,
  };
}

const rest = async () => undefined;
const probability = { seed: 1, unit: 'probability', rest } as const;

describe('clusterPatches', () => {
  test('of no patches has nothing', async () => {
    expect(await clusterPatches([], probability)).toEqual({
      choices: [],
      clusters: [],
      members: [],
    });
  });

  test('tells what a cluster has in common', async () => {
    // Golden compactness: mean of cosine_similarity above the diagonal, scikit-learn 1.9.1.
    const rows = [
      [1, 2, 2],
      [2, 1, 2],
      [0, 3, 4],
      [3, 0, 4],
    ];
    const patches = rows.map((features, index) =>
      patch(index, features, {
        drop: [0.2, 0.4, 0.6, 0.8][index] as number,
        box: boxAt(index * 20, 90),
        isOffObject: [true, false, true, null][index] as boolean | null,
      }),
    );
    const { choices, clusters } = await clusterPatches(patches, probability);
    expect(choices).toEqual([{ class: patches[0]?.class, clusters: 1, silhouette: null }]);
    expect(clusters).toHaveLength(1);
    const [cluster] = clusters;
    expect(cluster).toMatchObject({ id: 0, images: 4, share: 1 });
    expect(cluster?.medianDrop).toBeCloseTo(0.5, 12);
    expect(cluster?.medianLoss).toBeCloseTo(0.625, 12);
    expect(cluster?.compactness).toBeCloseTo(0.8103703703703703, 6);
    expect(cluster?.offObject).toBeCloseTo(2 / 3, 12);
    expect(cluster?.place.y.mean).toBeCloseTo(0.4, 12);
    expect(cluster?.place.y.deviation).toBeCloseTo(0.2581988897471611, 12);
    expect(cluster?.place.x).toEqual({ mean: 0.5, deviation: 0 });
    // Without other classes its contrast is its compactness.
    const weight = 0.625 * 0.8103703703703703 * (4 / 12);
    expect(cluster?.weight).toBeCloseTo(weight, 6);
    expect(cluster?.members[0]).toMatchObject({ id: 'img_0', drop: 0.2, box: boxAt(5, 5) });
  });

  test('without probabilities has no loss, and weighs drops by the largest', async () => {
    const patches = [
      ...[0, 1, 2].map((index) => patch(index, [1, 0], { drop: 8 })),
      ...[3, 4].map((index) =>
        patch(index, [0, 1], { drop: 2, class: { index: 1, label: 'dog' } }),
      ),
    ];
    const { clusters } = await clusterPatches(patches, { seed: 1, unit: 'logit', rest });
    expect(clusters.map(({ medianLoss, weight }) => [medianLoss, weight])).toEqual([
      [null, expect.closeTo(3 / 11, 6)],
      [null, expect.closeTo(0.25 * (2 / 10), 6)],
    ]);
  });

  test('puts a mark on every image of a class first', async () => {
    const normal = createNormal(11);
    const { uniform } = createRandom(12);
    const features = (base: readonly number[], noise: number) =>
      base.map((value) => Math.max(0, value + noise * normal()));
    const axis = (...ones: number[]) =>
      Array.from({ length: 96 }, (_, at) => (ones.includes(at) ? 4 : 1));
    const patches = Array.from({ length: 300 }, (_, index) => {
      const of = index % 3;
      const isMarked = of === 2 && uniform() < 0.9;
      return patch(
        index,
        features(isMarked ? axis(90, 91, 92) : axis(of, 3 + (index % 4)), isMarked ? 0.2 : 0.8),
        {
          class: { index: of, label: `class ${of}` },
          drop: isMarked ? 0.75 : 0.4,
          name: isMarked ? 'marked' : 'plain',
        },
      );
    });
    const { clusters } = await clusterPatches(patches, probability);
    expect(clusters[0]?.class.label).toBe('class 2');
    expect(clusters[0]?.share).toBeGreaterThan(0.8);
    expect(new Set(clusters[0]?.members.map(({ name }) => name))).toEqual(new Set(['marked']));
    expect(clusters[0]?.weight).toBeGreaterThan(2 * (clusters[1]?.weight ?? 0));
  });

  test('takes away what all classes have in common, and finds what one alone has', async () => {
    // Both honest classes have the same two kinds of patches; all features are alike but for 1 %.
    const normal = createNormal(21);
    const patches = Array.from({ length: 180 }, (_, index) => {
      const of = index % 3;
      const kind = of === 2 ? 2 : Math.floor(index / 3) % 2;
      const features = Array.from(
        { length: 24 },
        (_, channel) => 100 + (channel % 3 === kind ? 1 : 0) + 0.3 * normal(),
      );
      return patch(index, features, { class: { index: of, label: `class ${of}` } });
    });
    const { clusters } = await clusterPatches(patches, probability);
    expect(clusters[0]).toMatchObject({ class: { label: 'class 2' }, share: 1 });
    expect(clusters[0]?.weight).toBeGreaterThan(0.2);
    for (const { weight } of clusters.slice(1)) expect(weight).toBeLessThan(0.06);
  });

  test('lists the 200 nearest of a large cluster, the nearest first', async () => {
    const normal = createNormal(4);
    const noise = () => Array.from({ length: 96 }, normal);
    const patches = Array.from({ length: 230 }, (_, index) => patch(index, noise()));
    const { clusters } = await clusterPatches(patches, probability);
    expect(clusters).toHaveLength(1);
    const [cluster] = clusters;
    expect(cluster?.images).toBe(230);
    expect(cluster?.members).toHaveLength(200);
    const likeness = cluster?.members.map(({ similarity }) => similarity) ?? [];
    expect(likeness).toEqual([...likeness].sort((a, b) => b - a));
  });

  test('takes features of zeros, and refuses those that are not finite', async () => {
    const zeros = [0, 1, 2].map((index) => patch(index, [0, 0]));
    const [cluster] = (await clusterPatches(zeros, probability)).clusters;
    expect(cluster).toMatchObject({ images: 3, compactness: 0, weight: 0 });
    await expect(clusterPatches([patch(0, [Number.NaN, 1])], probability)).rejects.toThrow(
      'finite',
    );
  });

  test('rests for every 64 patches of a class', async () => {
    const alike = Array.from({ length: 640 }, (_, index) => patch(index, [1, 2]));
    let rests = 0;
    const counted = async () => {
      rests += 1;
    };
    await clusterPatches(alike, { ...probability, rest: counted });
    // To take away the centre and to project, of its one cluster, and of its rank.
    expect(rests).toBe(10 + 10 + 1 + 1);
  });

  test('rests between pieces, and ends where that throws', async () => {
    const patches = Array.from({ length: 20 }, (_, index) =>
      patch(index, [index % 2, 1], { class: { index: index % 2, label: `${index % 2}` } }),
    );
    let rests = 0;
    const breaking = async () => {
      rests += 1;
      if (rests === 3) throw new Error('not wanted any more');
    };
    const clustered = clusterPatches(patches, { ...probability, rest: breaking });
    await expect(clustered).rejects.toThrow('not wanted');
    expect(rests).toBe(3);
  });

  test('has each patch in one cluster of its class, whatever they are', async () => {
    const one = fc.record({
      of: fc.integer({ min: 0, max: 2 }),
      features: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 5, maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 40 }), async (rows) => {
        const patches = rows.map(({ of, features }, index) =>
          patch(index, features, { class: { index: of, label: `${of}` } }),
        );
        const { choices, clusters, members } = await clusterPatches(patches, probability);
        const listed = clusters.flatMap(({ members }) => members.map(({ id }) => id));
        expect(listed.sort()).toEqual(patches.map(({ id }) => id).sort());
        for (const { class: of, clusters: count } of choices) {
          const shares = clusters.filter((cluster) => cluster.class.label === of.label);
          expect(shares).toHaveLength(count);
          expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
        }
        expect(clusters.map(({ id }) => id)).toEqual(clusters.map((_, index) => index));
        expect(await clusterPatches(patches, probability)).toEqual({ choices, clusters, members });
        const place = new Map(members.map(({ id, cluster }) => [id, cluster]));
        expect(members).toHaveLength(patches.length);
        for (const cluster of clusters) {
          for (const { id } of cluster.members) expect(place.get(id)).toBe(cluster.id);
        }
      }),
      { numRuns: 40 },
    );
  });
});

test('offObjectClusterShare is the largest share of a cluster off the object', () => {
  const cluster = (offObject: number | null, share: number) => ({ offObject, share });
  expect(offObjectClusterShare([cluster(0.9, 0.3), cluster(0.6, 0.7), cluster(0.5, 1)])).toBe(0.7);
  expect(offObjectClusterShare([cluster(0.5, 1), cluster(null, 1)])).toBe(0);
  expect(offObjectClusterShare([cluster(null, 1)])).toBeNull();
  expect(offObjectClusterShare([])).toBeNull();
});
