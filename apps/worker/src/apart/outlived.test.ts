import { access, utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { outlivedPath, removeOldMarks, takeOutlived } from './outlived.js';

const worker = { host: 'outlived', pid: process.pid, start: '1' };
const other = { ...worker, start: '2' };

test('a mark is taken once', async () => {
  await writeFile(outlivedPath(worker), '');
  expect(await takeOutlived(worker)).toBe(true);
  expect(await takeOutlived(worker)).toBe(false);
});

test('marks that nobody asks for are deleted after an hour', async () => {
  await writeFile(outlivedPath(worker), '');
  await writeFile(outlivedPath(other), '');
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(outlivedPath(other), longAgo, longAgo);
  await removeOldMarks();
  await expect(access(outlivedPath(other))).rejects.toThrow('ENOENT');
  expect(await takeOutlived(worker)).toBe(true);
});
