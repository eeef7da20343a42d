import { expect, test } from 'vitest';
import { escapeHidden, escapeHiddenLines, hasHidden } from './visible-text.js';

test.each([
  ['a\nb.png', 'a\\nb.png'],
  ['\u001b[31mred', '\\u001b[31mred'],
  ['a\u0085\u007f\u2028', 'a\\u0085\\u007f\\u2028'],
  ['photo\u202egnp.exe', 'photo\\u202egnp.exe'],
  ['a\u2066b\u2069', 'a\\u2066b\\u2069'],
  ['ca\u200bt\u200d\ufeff', 'ca\\u200bt\\u200d\\ufeff'],
  ['\ud800.png', '\\ud800.png'],
  ['tag \u{e0041}', 'tag \\udb40\\udc41'],
])('%j is shown as %s', (name, shown) => {
  expect(escapeHidden(name)).toBe(shown);
  expect(hasHidden(name)).toBe(true);
  expect(JSON.parse(`"${shown}"`)).toBe(name);
});

test.each(['caf\u00e9 \u732b.png', 'עברית', '🐈', 'e\u0301'])('%s is shown as it is', (name) => {
  expect(escapeHidden(name)).toBe(name);
  expect(hasHidden(name)).toBe(false);
});

test('lines stay lines', () => {
  expect(escapeHiddenLines('a\u200b\nb')).toBe('a\\u200b\nb');
});
