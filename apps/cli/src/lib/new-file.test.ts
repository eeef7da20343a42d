import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { resolveNewFile, writeNewFile } from './new-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-new-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a file has another name until all of it is written, and its folders are made', async () => {
  const path = join(folder, 'a', 'b.html');
  const seen = await writeNewFile(path, async (write) => {
    await write('one, ');
    await write('two');
    return readdir(join(folder, 'a'));
  });
  expect(seen).toEqual([expect.stringMatching(/^b\.html\.\d+\.part$/)]);
  expect(await readFile(path, 'utf8')).toBe('one, two');
  expect(await readdir(join(folder, 'a'))).toEqual(['b.html']);
});

test('work that fails leaves nothing', async () => {
  const work = writeNewFile(join(folder, 'b.html'), async (write) => {
    await write('half');
    throw new Error('the service is gone');
  });
  await expect(work).rejects.toThrow('the service is gone');
  expect(await readdir(folder)).toEqual([]);
});

test('what is there is not written over, and another kind of name is refused', async () => {
  const path = join(folder, 'b.html');
  await writeFile(path, 'mine');
  await mkdir(join(folder, 'c.html'));
  for (const taken of ['b.html', 'c.html']) {
    await expect(resolveNewFile(join(folder, taken), '--html', '.html')).rejects.toThrow(
      `Expected --html to be a new file, got '${join(folder, taken)}', which exists`,
    );
  }
  await expect(resolveNewFile('b.htm', '--html', '.html')).rejects.toThrow(
    "Expected --html FILE.html, got 'b.htm'",
  );
  expect(await resolveNewFile(join(folder, 'd.html'), '--html', '.html')).toBe(
    join(folder, 'd.html'),
  );
});
