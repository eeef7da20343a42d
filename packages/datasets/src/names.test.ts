import { itemLabel } from '@umbra/shared/contracts/dataset';
import { expect, test } from 'vitest';
import { folderLabel } from './names.js';

test('labels of long folders are cut between characters', () => {
  expect(folderLabel('cats/a.png')).toBe('cats');
  const pair = '\u{1f431}';
  expect(folderLabel(`${'a'.repeat(199)}${pair}/a.png`)).toBe('a'.repeat(199));
  expect(folderLabel(`${'a'.repeat(198)}${pair}b/a.png`)).toBe(`${'a'.repeat(198)}${pair}`);
});

test('halves of characters in labels of older manifests are replaced', () => {
  expect(itemLabel.parse('cat \ud83d')).toBe('cat \ufffd');
  expect(itemLabel.parse('cat \u{1f431}')).toBe('cat \u{1f431}');
});
