import type { ImageRow } from '@umbra/shared/contracts/row';
import { expect, test } from 'vitest';
import { countRows, pageOfRows } from './kept-rows.js';

const none: ImageRow = {
  ...{ id: 'img_00000000', index: 0, name: 'a.png', label: null, state: 'failed' },
  error: { code: 'unprocessable', message: 'too small' },
  ...{ predicted: null, isRight: null, top: null, target: null, score: null, drop: null },
  ...{ lowest: null, flips: null, flippedShare: null, borderShare: null, seconds: null },
  ...{ width: 40, height: 36 },
};
const completed = (index: number, changes: Partial<ImageRow>): ImageRow => ({
  ...none,
  ...{ id: `img_0000000${index}`, index, name: `${index}.png`, state: 'completed', error: null },
  predicted: { index: 1, label: 'Tabby cat', probability: 0.5 },
  top: [
    { index: 1, label: 'Tabby cat', probability: 0.5 },
    { index: 0, label: 'dog', probability: 0.2 },
  ],
  ...changes,
});
const rows: readonly ImageRow[] = [
  completed(2, { drop: 0.9, isRight: true, label: 'cat' }),
  completed(3, { drop: 0.5, isRight: false, label: 'dog' }),
  completed(1, { drop: 0.5, isRight: false, label: 'dog' }),
  none,
];

const indices = (query: string): number[] =>
  pageOfRows(rows, new URLSearchParams(query)).data.map(({ index }) => index);

test.each([
  ['', [0, 1, 2, 3]],
  ['sort=-drop', [2, 1, 3, 0]],
  ['sort=drop', [1, 3, 2, 0]],
  ['sort=-predicted.probability', [1, 2, 3, 0]],
  ['state=failed', [0]],
  ['where=drop>=0.9', [2]],
  ['where=drop<0.9&where=index!=3', [1]],
  ['where=isRight=false', [1, 3]],
  ['where=isRight!=false', [0, 2]],
  ['where=label=', [0]],
  ['where=error.code!=', [0]],
  ['where=predicted.label~TABBY', [1, 2, 3]],
  ['where=top.label=dog', [1, 2, 3]],
  ['where=top.label!=dog', [0]],
  ['where=top.label~TAB', [1, 2, 3]],
  ['where=none=1', []],
])('%s gives rows %j', (query, expected) => {
  expect(indices(query)).toEqual(expected);
});

test('pages follow one another to the last', () => {
  const first = pageOfRows(rows, new URLSearchParams('limit=3'));
  expect(first).toMatchObject({ total: 4, next_cursor: '3' });
  const last = pageOfRows(rows, new URLSearchParams('limit=3&cursor=3'));
  expect([last.data.map(({ index }) => index), last.next_cursor]).toEqual([[3], null]);
});

test('counts are those of the rows that fit', () => {
  const tabby = { index: 1, label: 'Tabby cat' };
  expect(countRows(rows, new URLSearchParams('limit=1'))).toEqual({
    total: 4,
    states: [
      { state: 'completed', count: 3 },
      { state: 'failed', count: 1 },
    ],
    isRight: { right: 1, wrong: 2, unknown: 1 },
    labels: { distinct: 2, values: [{ label: 'dog', count: 2 }] },
    predicted: { distinct: 1, values: [{ ...tabby, count: 3 }] },
    pairs: { distinct: 2, values: [{ label: 'dog', predicted: tabby, count: 2 }] },
  });
  expect(countRows(rows, new URLSearchParams('where=isRight=true'))).toMatchObject({
    ...{ total: 1, isRight: { right: 1, wrong: 0, unknown: 0 } },
  });
});
