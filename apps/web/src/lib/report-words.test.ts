import type { JobReport } from '@umbra/shared/contracts/report';
import { expect, test } from 'vitest';
import {
  enoughWords,
  findingsOf,
  formatEstimate,
  formatNumber,
  formatP,
  formatPoints,
  formatShare,
  listNames,
} from './report-words.js';

test.each([
  [0, '0'],
  [0.4871, '0.49'],
  [-0.4871, '\u22120.49'],
  [0.0123, '0.012'],
  [4.256, '4.26'],
  [42.56, '42.6'],
  [425.6, '426'],
  [0.00012, '1.2e-4'],
])('%d is told as %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test('shares, points and chances are told in one way each', () => {
  expect([formatShare(0.3821), formatShare(-0.05), formatShare(-0.0001)]).toEqual([
    ...['38.2\u00a0%', '\u22125.0\u00a0%', '0.0\u00a0%'],
  ]);
  expect([formatPoints(0.191), formatPoints(-0.35), formatPoints(0.0001)]).toEqual([
    ...['+19.1', '\u221235.0', '0.0'],
  ]);
  expect([formatP(0.0001), formatP(0.04567)]).toEqual(['< 0.001', '0.046']);
  expect(formatEstimate({ mean: 0.5, low: 0.4, high: 0.625 }, formatNumber)).toBe(
    '0.50 [0.40, 0.63]',
  );
  expect(formatEstimate({ mean: 0.5, low: 0.5, high: 0.5 }, formatNumber)).toBe('0.50');
});

test('what stands out comes first: clusters of patches off the object', () => {
  const cluster = (label: string, offObject: number | null, images = 9) => ({
    ...{ id: 0, class: { index: 0, label }, images, share: 0.25, medianDrop: 0.9, offObject },
    ...{ medianLoss: null, compactness: 1, weight: 1, members: [] },
    place: { y: { mean: 0, deviation: 0 }, x: { mean: 0, deviation: 0 } },
  });
  const found = (clusters: readonly ReturnType<typeof cluster>[]) =>
    findingsOf({
      ...{ classes: [], trust: { order: null, agreement: null } },
      patches: { clusters },
    } as unknown as JobReport).map(({ kind, text }) => `${kind}: ${text}`);
  const off =
    'alarm: Patches that look alike lie off the object: 25.0\u00a0% of those that decide star, with a median drop of 0.90.';
  expect(found([cluster('square', 0.5), cluster('star', 0.9)])).toEqual([
    off,
    'calm: The weightiest patches that look alike: 25.0\u00a0% of those that decide square, with a median drop of 0.90.',
  ]);
  expect(found([cluster('star', 0.9)])).toEqual([off]);
  expect(found([cluster('square', 0.9, 1), cluster('star', 0.9)])).toEqual([off]);
  expect(found([cluster('square', 0.9, 1)])).toEqual([]);
  expect(found([])).toEqual([]);
});

test.each([
  [
    4,
    0.0625,
    'calm: Of 4 images, nothing can be told of whether the maps order pixels better than chance.',
  ],
  [5, 0.03, 'calm: The maps of 5 images that were checked order pixels better than chance.'],
  [
    5,
    0.06,
    'alarm: The maps of 5 images that were checked do not order pixels better than chance.',
  ],
])('the order of %d images whose p is %d is told', (images, insertion, words) => {
  const order = { images, p: { deletion: 0.03, insertion } };
  const report = { classes: [], patches: { clusters: [] }, trust: { order, agreement: null } };
  const told = findingsOf(report as unknown as JobReport).map(
    ({ kind, text }) => `${kind}: ${text}`,
  );
  expect(told).toEqual([words]);
});

test('names are listed as a sentence does, the first of many', () => {
  expect(listNames(['a'])).toBe('a');
  expect(listNames(['a', 'b', 'c'])).toBe('a, b and c');
  expect(listNames(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
});

test('images are enough where the interval stays as narrow as asked', () => {
  const running = [
    { images: 10, mean: 0.4, halfWidth: 0.2 },
    { images: 60, mean: 0.42, halfWidth: 0.08 },
  ];
  const tolerance = 0.05;
  expect(enoughWords({ running, enough: { images: 200, tolerance } })).toBe('200 images would do');
  expect(enoughWords({ running, enough: { images: null, tolerance } })).toBe(
    'not yet: ±0.08, aim ±0.05',
  );
  expect(enoughWords({ running: [], enough: { images: null, tolerance } })).toBe(
    'too few images to tell',
  );
});
