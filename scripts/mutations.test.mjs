import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mutations } from './lib/mutations.mjs';
import { repoRoot } from './lib/run.mjs';

test('names of mutations are unique', () => {
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
});

test.each(mutations)('$name edits what is there, and its test is there', (mutation) => {
  const { file, from, to, test: suite, title } = mutation;
  const source = readFileSync(join(repoRoot, file), 'utf8');
  expect(source.split(from)).toHaveLength(2);
  expect(source.replace(from, () => to)).not.toBe(source);
  // A title that is made of parts is found by its longest word.
  const [word = ''] = title.split(' ').toSorted((a, b) => b.length - a.length);
  expect(readFileSync(join(repoRoot, suite), 'utf8')).toContain(word);
});
