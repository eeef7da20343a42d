import { expect, test } from 'vitest';
import { pagesOf } from './pictures.js';

const linkTo = (page: number, rel: string) => `</v1/a.png?mode=rgb&page=${page}>; rel="${rel}"`;

test.each([
  ['one page', null, 1, 1],
  ['a page with more after it', [linkTo(2, 'next'), linkTo(7, 'last')].join(', '), 1, 7],
  ['the last page', linkTo(6, 'prev'), 7, 7],
])('pages are counted by the links of %s', (_, links, page, pages) => {
  expect(pagesOf(links, page)).toBe(pages);
});
