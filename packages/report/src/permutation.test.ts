import { createRandom } from '@umbra/shared/random';
import { describe, expect, test } from 'vitest';
import { adjustP, drawP, signFlipP } from './permutation.js';

const wave = (shift: number) =>
  Array.from({ length: 60 }, (_, i) => Math.sin(i * 12.9898) * 0.5 + shift);

describe('a sign-flip test', () => {
  // Reference: scipy.stats.permutation_test of SciPy 1.17.1, permutation_type 'samples', alternative 'greater'.
  test.each([
    [[0.31, -0.12, 0.44, 0.05, 0.27, -0.09, 0.18, 0.02], 0.05859375],
    [[1, 2, -1, 3, 0, 0, 2, -2, 1, 1, 1, -3], 0.2568359375],
    [[0.5, 0.25], 0.25],
  ])('counts every flip of few values: %j', (values, p) => {
    expect(signFlipP(values, { seed: 1 })).toBe(p);
    expect(signFlipP(values.toReversed(), { seed: 2 })).toBe(p);
  });

  test.each([
    [0.05, 0.14049, 0.03],
    [0.15, 0.001061, 0.001],
  ])('draws flips of many: shifted by %f', (shift, p, within) => {
    expect(Math.abs(signFlipP(wave(shift), { seed: 1 }) - p)).toBeLessThan(within);
  });

  test('is never 0, and 1 where nothing is seen', () => {
    expect(signFlipP(new Array(40).fill(1), { seed: 1 })).toBe(1 / 10_000);
    expect(signFlipP(new Array(40).fill(1), { seed: 1, draws: 99_999 })).toBe(1 / 100_000);
    expect(signFlipP(new Array(40).fill(0), { seed: 1 })).toBe(1);
    expect(signFlipP([], { seed: 1 })).toBe(1);
  });
});

test('a p-value that is drawn stops after 100 draws as extreme', () => {
  let drawn = 0;
  const every = (nth: number) => () => {
    drawn += 1;
    return drawn % nth === 0;
  };
  expect(drawP(every(3))).toBe(100 / 300);
  drawn = 0;
  expect(drawP(every(1_000))).toBe(10 / 10_000);
  drawn = 0;
  expect(drawP(() => false, 99)).toBe(1 / 100);
});

test('p-values are adjusted as statsmodels and SciPy do', () => {
  // statsmodels 0.15.0 multipletests(p, method='fdr_bh'), SciPy 1.17.1 false_discovery_control(p)
  const p = [
    0.205, 0.041, 0.001, 0.34, 0.008, 0.216, 0.039, 0.269, 0.06, 0.042, 0.222, 0.074, 0.275, 0.212,
    0.251,
  ];
  const rest = 0.29464285714285715;
  const adjusted = [
    rest,
    0.126,
    0.015,
    0.34,
    0.06,
    rest,
    0.126,
    rest,
    0.15,
    0.126,
    rest,
    0.15857142857142856,
    rest,
    rest,
    rest,
  ];
  for (const [nth, value] of adjustP(p).entries())
    expect(value).toBeCloseTo(adjusted[nth] ?? 0, 14);
  expect(adjustP([])).toEqual([]);
  expect(adjustP([0.9, 0.95])).toEqual([0.95, 0.95]);
});

test('p-values are even where nothing is to be found', () => {
  const { uniform } = createRandom(5);
  const runs = 1_000;
  const p = Array.from({ length: runs }, (_, seed) =>
    signFlipP(
      Array.from({ length: 20 }, () => uniform() - uniform()),
      { seed, draws: 999 },
    ),
  );
  for (const level of [0.05, 0.2, 0.5]) {
    const share = p.filter((value) => value <= level).length / runs;
    expect(Math.abs(share - level)).toBeLessThan(4 * Math.sqrt((level * (1 - level)) / runs));
  }
});
