import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { umbraVersion } from './version.js';

test.each(['../../../package.json', '../package.json'])('is that of %s', async (path) => {
  const text = await readFile(new URL(path, import.meta.url), 'utf8');
  expect(umbraVersion).toBe((JSON.parse(text) as { version: string }).version);
});
