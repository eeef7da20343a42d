import { expect, test } from 'vitest';
import { facetsOf, wordsOfFilter } from './job-facets.js';

const cat = { index: 3, label: 'tabby' };
const facets = {
  total: 10,
  states: [
    { state: 'completed' as const, count: 7 },
    { state: 'pending' as const, count: 3 },
  ],
  isRight: { right: 5, wrong: 2, unknown: 3 },
  labels: {
    distinct: 2,
    values: [
      { label: 'cat', count: 6 },
      { label: 281, count: 4 },
    ],
  },
  predicted: { distinct: 1, values: [{ ...cat, count: 7 }] },
  pairs: {
    distinct: 2,
    values: [
      { label: 'cat', predicted: cat, count: 5 },
      { label: 'cat', predicted: null, count: 1 },
    ],
  },
};
const valuesOf = (given: Parameters<typeof facetsOf>[0], title: string) =>
  facetsOf(given)
    .find((facet) => facet.title === title)
    ?.values.map(({ words, filters }) => [words, ...filters]);

test('each value of a facet has the filters that find its rows', () => {
  expect(valuesOf(facets, 'State')).toEqual([
    ['finished', 'state=completed'],
    ['waiting', 'state=pending'],
  ]);
  expect(valuesOf(facets, 'Right or wrong')).toEqual([
    ['right', 'isRight=true'],
    ['wrong', 'isRight=false'],
    ['unknown', 'isRight='],
  ]);
  expect(valuesOf(facets, 'Label')).toEqual([
    ['cat', 'label=cat'],
    ['281', 'label=281'],
  ]);
  expect(valuesOf(facets, 'Predicted')).toEqual([['tabby', 'predicted.index=3']]);
  expect(valuesOf(facets, 'Label → predicted')).toEqual([
    ['cat → tabby', 'label=cat', 'predicted.index=3'],
  ]);
});

test('without labels that are classes, nothing is right or wrong', () => {
  const none = { ...facets, isRight: { right: 0, wrong: 0, unknown: 10 } };
  expect(valuesOf(none, 'Right or wrong')).toEqual([]);
});

test('a filter is told in the words of its facet, or in its own', () => {
  expect(wordsOfFilter('predicted.index=3', facets)).toBe('Predicted: tabby');
  expect(wordsOfFilter('isRight=false', facets)).toBe('Right or wrong: wrong');
  expect(wordsOfFilter('name~img', facets)).toBe('Name: img');
  expect(wordsOfFilter('drop>=0.1', facets)).toBe('drop>=0.1');
  expect(wordsOfFilter('label=cat', undefined)).toBe('label=cat');
});
