import { expect, test } from 'vitest';
import {
  formatWall,
  givenFilters,
  hasFilters,
  isMoving,
  parseWall,
  rangesOf,
  replaceFilter,
  toggleFilters,
  valueAfter,
} from './wall-query.js';

test('an address that is written reads back as the same', () => {
  const query = { sort: '-drop', where: ['label=a & b=c?', 'top.label~50 %', 'isRight=false'] };
  expect(parseWall(new URLSearchParams(formatWall(query).toString()))).toEqual(query);
  expect(parseWall(new URLSearchParams())).toEqual({ sort: 'index', where: [] });
  expect(formatWall({ sort: 'index', where: [] }).toString()).toBe('');
});

test('filters that are said twice, or that are too many, are not asked', () => {
  const search = new URLSearchParams();
  for (let at = 0; at < 40; at++) search.append('where', `flips>${at % 20}`);
  expect(parseWall(search).where).toEqual(Array.from({ length: 16 }, (_, at) => `flips>${at}`));
});

test('filters are set together and taken away together', () => {
  const pair = ['label=cat', 'predicted.index=3'];
  const set = toggleFilters(['drop>=0.1', 'label=cat'], pair);
  expect(set).toEqual(['drop>=0.1', 'label=cat', 'predicted.index=3']);
  expect(hasFilters(set, pair)).toBe(true);
  expect(toggleFilters(set, pair)).toEqual(['drop>=0.1']);
});

test('a filter takes the place of the one that begins as it does', () => {
  expect(replaceFilter(['name~a', 'label=b'], 'name~', 'c=d')).toEqual(['label=b', 'name~c=d']);
  expect(replaceFilter(['name~a', 'label=b'], 'name~', '')).toEqual(['label=b']);
  expect(valueAfter(['label=b', 'name~c=d'], 'name~')).toBe('c=d');
  expect(valueAfter(['label=b'], 'name~')).toBe('');
});

test.each([
  ['index', [], false],
  ['-name', ['label=cat', 'index>=7'], false],
  ['-drop', [], true],
  ['index', ['label=cat', 'isRight=false'], true],
  ['index', ['state!=completed'], true],
])('whether images move while they end: by %s where %j, %s', (sort, where, moves) => {
  expect(isMoving({ sort, where })).toBe(moves);
});

test('filters on what is given are told from those on what comes of an image', () => {
  expect(givenFilters(['label=a', 'label.b=c', 'state=failed', 'name~x'])).toEqual([
    'label=a',
    'name~x',
  ]);
});

test('ranges cover all indices, and none is too long', () => {
  expect(rangesOf([], 10)).toEqual([]);
  expect(rangesOf([12, 3, 4, 30, 13], 10)).toEqual([
    { first: 3, last: 12 },
    { first: 13, last: 13 },
    { first: 30, last: 30 },
  ]);
});
