import { expect, test } from 'vitest';
import { collectPages } from './page.js';

/** Pages of two numbers each; one in the middle is empty, as of a list by state. */
const read = (asked: (string | undefined)[]) => async (cursor: string | undefined) => {
  asked.push(cursor);
  const page = Number(cursor ?? 0);
  const data = page === 1 ? [] : [page * 2, page * 2 + 1];
  return { data, next_cursor: page === 3 ? null : String(page + 1) };
};

test('pages are followed to the last, also over an empty one', async () => {
  const asked: (string | undefined)[] = [];
  expect(await collectPages(read(asked), 100)).toEqual([0, 1, 4, 5, 6, 7]);
  expect(asked).toEqual([undefined, '1', '2', '3']);
});

test('no more pages are asked for than the rows need', async () => {
  const asked: (string | undefined)[] = [];
  expect(await collectPages(read(asked), 3)).toEqual([0, 1, 4]);
  expect(asked).toHaveLength(3);
});

test('a list without an end is given up', async () => {
  const rows = await collectPages(async () => ({ data: [0], next_cursor: 'more' }), 1_000);
  expect(rows).toHaveLength(20);
});
