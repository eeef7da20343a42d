import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rankOf } from './chance.js';
import { createStratifiedSample } from './strata.js';

type Added = readonly [stratum: string, item: number];

function sampleOf(added: readonly Added[], bounds: { perStratum: number; total: number }) {
  const sample = createStratifiedSample<string, number>(bounds);
  for (const [stratum, item] of added) sample.add(stratum, rankOf(String(item), 1), item);
  return new Map(sample.strata().map((stratum) => [stratum, sample.of(stratum)]));
}

const counts = fc.array(fc.nat(60), { minLength: 1, maxLength: 8 });
const addedOf = (sizes: readonly number[]): Added[] =>
  sizes.flatMap((size, stratum) =>
    Array.from({ length: size }, (_, nth): Added => [`s${stratum}`, stratum * 1000 + nth]),
  );

test('the lowest ranks of each stratum are kept, within both bounds, in whatever order they come', () => {
  const bounds = { perStratum: 32, total: 64 };
  fc.assert(
    fc.property(counts, fc.integer(), (sizes, seed) => {
      const added = addedOf(sizes);
      const shuffled = added.toSorted(
        ([, a], [, b]) => rankOf(`${a}`, seed) - rankOf(`${b}`, seed),
      );
      const found = sampleOf(added, bounds);
      const other = sampleOf(shuffled, bounds);
      for (const [stratum, { items, isAll }] of found) {
        expect(other.get(stratum)).toEqual({ items, isAll });
        const all = added.filter(([name]) => name === stratum).map(([, item]) => item);
        const order = all.toSorted((a, b) => rankOf(`${a}`, 1) - rankOf(`${b}`, 1));
        expect(items).toEqual(order.slice(0, items.length));
        expect(isAll).toBe(items.length === all.length);
        expect(items.length).toBeLessThanOrEqual(bounds.perStratum);
      }
      const held = [...found.values()].reduce((sum, { items }) => sum + items.length, 0);
      expect(held).toBeLessThanOrEqual(bounds.total);
      // Halving no more than needed: half of what may be held is, where there is so much.
      expect(held).toBeGreaterThanOrEqual(
        Math.min(
          bounds.total / 2,
          sizes.reduce((sum, size) => sum + Math.min(size, bounds.perStratum), 0),
        ),
      );
    }),
  );
});

test('a stratum of which nothing came is empty', () => {
  const sample = createStratifiedSample<string, number>({ perStratum: 2, total: 4 });
  expect(sample.of('none')).toEqual({ items: [], isAll: true });
});
