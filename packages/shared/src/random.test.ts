import { expect, test } from 'vitest';
import { createRandom } from './random.js';

test('the sequence of a seed is that of the published Mulberry32', () => {
  const { uniform } = createRandom(1);
  const found = Array.from({ length: 3 }, () => Math.round(uniform() * 2 ** 32));
  expect(found).toEqual([2_693_262_067, 11_749_833, 2_265_367_787]);
});

test('whole numbers are uniform below their limit', () => {
  const random = createRandom(7);
  const counts = [0, 0, 0, 0, 0];
  for (let draw = 0; draw < 50_000; draw++) {
    const value = random.below(5);
    counts[value] = (counts[value] ?? 0) + 1;
  }
  // Ten standard deviations of a count of 10,000 are 895.
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(895);
});

test('shuffling keeps every item and depends on the seed', () => {
  const shuffled = (seed: number) => {
    const items = Array.from({ length: 20 }, (_, index) => index);
    createRandom(seed).shuffle(items);
    return items;
  };
  expect(shuffled(1)).toEqual(shuffled(1));
  expect(shuffled(1)).not.toEqual(shuffled(2));
  expect(shuffled(1).toSorted((a, b) => a - b)).toEqual([...Array(20).keys()]);
});
