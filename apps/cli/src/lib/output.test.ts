import { expect, test } from 'vitest';
import { alignColumns } from './summary.js';

test('a line break in a name breaks no table', () => {
  const table = alignColumns([
    ['photo', 'class'],
    ['a\nb', 'cat'],
  ]);
  expect(table.split('\n')).toEqual(['photo  class', '-----  -----', 'a\\nb   cat']);
});
