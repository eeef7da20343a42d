import { expect, test } from 'vitest';
import { escapeControls } from './output.js';
import { alignColumns } from './summary.js';

test.each([
  ['a\nb.png', 'a\\nb.png'],
  ['\u001b[31mred', '\\u001b[31mred'],
  ['a\u0085\u007f\u2028', 'a\\u0085\\u007f\\u2028'],
  ['caf\u00e9 \u732b.png', 'caf\u00e9 \u732b.png'],
])('%j is shown as %s', (name, shown) => {
  expect(escapeControls(name)).toBe(shown);
});

test('a line break in a name breaks no table', () => {
  const table = alignColumns([
    ['photo', 'class'],
    ['a\nb', 'cat'],
  ]);
  expect(table.split('\n')).toEqual(['photo  class', '-----  -----', 'a\\nb   cat']);
});
