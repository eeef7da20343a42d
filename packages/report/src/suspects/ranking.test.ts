import { at } from '@umbra/shared/assert';
import { describe, expect, test } from 'vitest';
import type { ImageEvidence } from '../evidence.js';
import { createNormal } from '../normal.js';
import { evidenceOf } from '../testing/evidence.js';
import type { ClassMaps } from './class-maps.js';
import { createSuspectRanking } from './ranking.js';

const cat = { index: 0, label: 'cat' };
const dog = { index: 1, label: 'dog' };

/** A map with its evidence around one cell of the lattice, and a little noise elsewhere. */
function mapAt(row: number, column: number, noise: () => number = () => 0): Float32Array {
  return Float32Array.from({ length: 256 }, (_, cell) => {
    const distance = Math.hypot(Math.floor(cell / 16) - row, (cell % 16) - column);
    return Math.exp(-((distance / 2) ** 2)) + 0.05 * noise();
  });
}

const middle = mapAt(8, 8);

const evidence = (id: string, more: Partial<ImageEvidence> = {}): ImageEvidence =>
  evidenceOf(0, {
    ...{ id, name: `${id}.png`, label: 'cat', labelClass: cat, predicted: cat, target: cat },
    ...{ drop: 0.6, map: middle, offObjectShare: 0.1, borderShare: 0.1, computed: 100 },
    ...more,
  });

function mapsOf(images: readonly ImageEvidence[], of: ClassMaps['class'] = cat): ClassMaps {
  const sum = new Float64Array(256);
  const counts = new Uint32Array(256);
  for (const { map } of images) {
    for (const [cell, value] of map.entries()) {
      if (Number.isNaN(value)) continue;
      sum[cell] = (sum[cell] ?? 0) + value;
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
  }
  return { class: of, sum, counts };
}

function rank(images: readonly ImageEvidence[], agreement: number | null = null) {
  const ranking = createSuspectRanking({ seed: 1 });
  const group = mapsOf(images);
  for (const image of images) ranking.add(image, group, agreement);
  return ranking.finish();
}

/** Images whose evidence is in the middle. */
function usual(count: number): ImageEvidence[] {
  const noise = createNormal(3);
  return Array.from({ length: count }, (_, index) =>
    evidence(`img_${index}`, { map: mapAt(8, 8, noise) }),
  );
}

describe('createSuspectRanking', () => {
  test('finds the images whose evidence lies elsewhere, and says where', () => {
    const odd = evidence('img_odd', { map: mapAt(1, 1), drop: 0.5 });
    const { suspects, count } = rank([...usual(60), odd]);
    expect(count).toBe(1);
    expect(suspects).toHaveLength(1);
    expect(suspects[0]).toMatchObject({
      id: 'img_odd',
      name: 'img_odd.png',
      class: cat,
      drop: 0.5,
    });
    expect(suspects[0]?.distance).toBeGreaterThan(0.9);
    expect(suspects[0]?.z).toBeGreaterThan(3.5);
    expect(suspects[0]?.reasons[0]).toMatch(
      /^(9\d|100) % of its evidence lies in the upper left of the image, where its class has \d %$/,
    );
    expect(suspects[0]?.reasons.at(-1)).toMatch(
      /^Its map has a cosine of -?0\.\d\d with the mean map of its class, whose median is 0\.\d\d$/,
    );
  });

  test('gives each reason with its numbers, the strongest first', () => {
    const odd = evidence('img_odd', {
      map: mapAt(15, 15),
      offObjectShare: 0.92,
      borderShare: 0.55,
      isRight: false,
      label: 'dog',
      labelClass: dog,
      flips: [
        { to: cat, positions: 1, drop: 0.1, box: { top: 0, left: 0, bottom: 1, right: 1 } },
        { to: dog, positions: 44, drop: 0.2, box: { top: 0, left: 0, bottom: 1, right: 1 } },
      ],
    });
    const [suspect] = rank([...usual(60), odd]).suspects;
    expect(suspect?.label).toBe('dog');
    expect(suspect?.reasons.slice(1)).toEqual([
      "92 % of its evidence lies off the object; its class's median is 10 %",
      'Its label is dog, and it is predicted cat, and covering one patch turns it to dog',
      expect.stringContaining('cosine'),
    ]);
  });

  test('says where nothing is decisive, and where the decision turns often', () => {
    const blank = evidence('img_blank', { map: new Float32Array(256), drop: 0.0004 });
    const raised = evidence('img_raised', { map: mapAt(15, 1), drop: -0.023 });
    const turning = evidence('img_turning', {
      map: mapAt(2, 14),
      flips: [{ to: dog, positions: 45, drop: 0.2, box: { top: 0, left: 0, bottom: 1, right: 1 } }],
    });
    const { suspects } = rank([...usual(60), blank, raised, turning]);
    const reasons = Object.fromEntries(suspects.map((suspect) => [suspect.id, suspect.reasons]));
    expect(reasons.img_blank?.[0]).toBe(
      "Covering any patch lowers its score by at most 0.000, where its class's median is 0.6: nothing in it is decisive",
    );
    expect(reasons.img_raised).toContain(
      "Covering any patch does not lower its score, where its class's median is 0.6: nothing in it is decisive",
    );
    expect(reasons.img_turning).toContain(
      "It is predicted cat, and covering one patch turns it to another class at 45 % of the positions, most often to dog; its class's median is 0 %",
    );
  });

  test('finds none among equal maps, in small classes, and where a map depends on the fill', () => {
    const odd = evidence('img_odd', { map: mapAt(1, 1) });
    const same = Array.from({ length: 20 }, (_, index) => evidence(`img_${index}`));
    expect(rank(same)).toEqual({ suspects: [], count: 0 });
    expect(rank([...usual(8), odd])).toEqual({ suspects: [], count: 0 });
    expect(rank([...usual(60), odd], 0.4)).toEqual({ suspects: [], count: 0 });
    expect(rank([...usual(60), odd], 0.5).count).toBe(1);
  });

  test('tells of each image how unlike its class it is', () => {
    const odd = evidence('img_odd', { map: mapAt(1, 1) });
    const images = [...usual(60), odd];
    const ranking = createSuspectRanking({ seed: 1 });
    const group = mapsOf(images);
    expect(ranking.unlikeness(odd, group).z).toBeNull();
    for (const image of images) ranking.add(image, group, null);
    const { distance, z } = ranking.finish().suspects[0] ?? {};
    expect(ranking.unlikeness(odd, group)).toEqual({ distance, z });
    expect(ranking.unlikeness(odd, mapsOf([odd]))).toEqual({ distance: null, z: null });
  });

  test('leaves out cells without a value', () => {
    const cut = mapAt(8, 8).map((value, cell) => (cell < 32 ? Number.NaN : value));
    const { suspects } = rank([...usual(60), evidence('img_cut', { map: cut })]);
    expect(suspects).toEqual([]);
  });

  test('does not depend on the order of images', () => {
    const noise = createNormal(5);
    const images = Array.from({ length: 300 }, (_, index) =>
      evidence(`img_${index}`, { map: mapAt(8 + 2 * noise(), 8 + (index % 20 === 0 ? 7 : 0)) }),
    );
    const found = rank(images);
    expect(found.count).toBeGreaterThan(5);
    expect(rank(images.toReversed()).suspects.map(({ id }) => id)).toEqual(
      found.suspects.map(({ id }) => id),
    );
  });

  test('keeps the most unlike of many', () => {
    const noise = createNormal(7);
    const group = mapsOf(usual(50));
    const ranking = createSuspectRanking({ seed: 1 });
    const odd = Array.from({ length: 7 }, (_, column) => mapAt(1, 1 + column));
    const plain = Array.from({ length: 101 }, () => mapAt(8 + 0.5 * noise(), 8 + 0.5 * noise()));
    for (let index = 0; index < 5_000; index += 1) {
      const isOdd = index % 20 === 7;
      const map = isOdd ? at(odd, index % 7) : at(plain, index % 101);
      ranking.add(evidence(`img_${index}`, { map, name: isOdd ? 'odd' : 'usual' }), group, null);
    }
    const { suspects, count } = ranking.finish();
    expect(suspects).toHaveLength(200);
    expect(new Set(suspects.map(({ name }) => name))).toEqual(new Set(['odd']));
    expect(suspects.map(({ z }) => z)).toEqual(suspects.map(({ z }) => z).sort((a, b) => b - a));
    // 250 of them, as a sample of 1,000 tells, beside the tail of the others.
    expect(count).toBeGreaterThan(200);
    expect(count).toBeLessThan(500);
  });
});
