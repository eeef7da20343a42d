import { expect, test } from 'vitest';
import { createWeights, hashText, rankOf, replicates } from './chance.js';

const ids = Array.from({ length: 1_000 }, (_, nth) => `img_${String(nth).padStart(8, '0')}`);
const meanOf = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

test('bits of MurmurHash3 are mixed, and texts and seeds tell hashes apart', () => {
  expect(new Set(ids.flatMap((id) => [hashText(id, 1), hashText(id, 2)])).size).toBe(2_000);
});

test('ranks are even on [0, 1), and follow from text and seed', () => {
  const ranks = ids.map((id) => rankOf(id, 7)).sort((a, b) => a - b);
  expect(ranks).toEqual(ids.map((id) => rankOf(id, 7)).sort((a, b) => a - b));
  // Kolmogorov's distance: 1.95 / sqrt(n) is exceeded once in a thousand.
  const distance = Math.max(...ranks.map((rank, nth) => Math.abs(rank - nth / ranks.length)));
  expect(distance).toBeLessThan(1.95 / Math.sqrt(ranks.length));
});

test('weights are of the Poisson distribution of mean 1, each replicate for itself', () => {
  const weightsOf = createWeights(3);
  const all = ids.map((id) => Array.from(weightsOf(id)));
  const flat = all.flat();
  for (const [value, p] of [0.3679, 0.3679, 0.1839, 0.0613, 0.0153].entries()) {
    expect(flat.filter((weight) => weight === value).length / flat.length).toBeCloseTo(p, 2);
  }
  for (const [one, other] of [
    [0, 1],
    [0, replicates - 1],
    [17, 200],
  ] as const) {
    const product = meanOf(all.map((w) => ((w[one] ?? 0) - 1) * ((w[other] ?? 0) - 1)));
    expect(Math.abs(product)).toBeLessThan(4 / Math.sqrt(ids.length));
    expect(meanOf(all.map((w) => w[one] ?? 0))).toBeCloseTo(1, 1);
  }
});
