import { expect, test } from 'vitest';
import { findClass } from './report-class.js';

const classes = [
  { class: { index: 134, label: 'crane' } },
  { class: { index: 340, label: 'zebra' } },
  { class: { index: null, label: 'no class' } },
  { class: { index: 517, label: 'crane' } },
];

test('a class is found by its name, and by its index where several have the name', () => {
  expect(findClass(classes, { class: 'zebra' })).toEqual({ index: 340, label: 'zebra' });
  expect(findClass(classes, { class: 'zebra', index: 340 })).toEqual({
    ...{ index: 340, label: 'zebra' },
  });
  expect(findClass(classes, { class: 'crane', index: 517 })).toEqual({
    ...{ index: 517, label: 'crane' },
  });
});

test.each([
  [{ class: 'cat' }, "of.class: Expected a class of the report, got 'cat'"],
  [{ class: 'no class' }, "of.class: Expected a class of the report, got 'no class'"],
  [
    { class: 'crane' },
    "of.index: Expected the index of a class 'crane', one of 134, 517, got none",
  ],
  [
    { class: 'crane', index: 340 },
    "of.index: Expected the index of a class 'crane', one of 134, 517, got 340",
  ],
])('%j is none, or several', (of, words) => {
  expect(() => findClass(classes, of)).toThrow(words);
});
