import { expect, test } from 'vitest';
import { pairTargets } from './compare-targets.js';

const [cat, dog, fox] = [
  { index: 3, label: 'cat' },
  { index: 5, label: 'dog' },
  { index: 7, label: 'fox' },
];

test.each([
  ['the first class of both', [[cat, dog], [dog]], null, { one: 1, other: 0, isSameClass: true }],
  [
    'the wanted one',
    [
      [cat, dog],
      [dog, cat],
    ],
    0,
    { one: 0, other: 1, isSameClass: true },
  ],
  [
    'the wanted one with the first',
    [[cat, dog], [dog]],
    0,
    { one: 0, other: 0, isSameClass: false },
  ],
  ['the first ones', [[cat], [fox]], null, { one: 0, other: 0, isSameClass: false }],
  ['the first, as none is wanted', [[cat], [cat]], 9, { one: 0, other: 0, isSameClass: true }],
] as const)('%s are compared', (_, targets, wanted, expected) => {
  expect(pairTargets(targets, wanted, true)).toEqual(expected);
});

test('classes of two models are the same by name', () => {
  const named = { index: 5, label: 'Cat' };
  expect(pairTargets([[cat], [dog, named]], null, false)).toEqual({
    ...{ one: 0, other: 1, isSameClass: true },
  });
  expect(pairTargets([[cat], [dog, named]], null, true).isSameClass).toBe(false);
});
