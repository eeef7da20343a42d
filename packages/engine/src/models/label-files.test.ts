import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLabelFile } from './label-files.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-labels-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(name: string, content: string | Buffer): Promise<readonly string[]> {
  const path = join(folder, name);
  await writeFile(path, content);
  return readLabelFile(path);
}

test.each<[string, string, string | Buffer]>([
  ['a JSON array', 'a.json', '["cat", "dog"]'],
  ['a JSON array with a byte order mark', 'b.json', '\ufeff["cat", "dog"]'],
  ['names by index', 'c.json', '{"1": "dog", "0": "cat"}'],
  ["Teachable Machine's metadata", 'metadata.json', '{"tfjsVersion":"1.7","labels":["cat","dog"]}'],
  ['JSON in a file of another name', 'names.txt', ' ["cat", "dog"]'],
  ['a name a line', 'a.txt', 'cat\ndog\n'],
  ['lines of Windows with a byte order mark', 'b.txt', '\ufeffcat\r\ndog\r\n\r\n'],
  ['UTF-16 of PowerShell', 'c.txt', Buffer.from('\ufeffcat\r\ndog\r\n', 'utf16le')],
  ['UTF-16 big endian', 'e.txt', Buffer.from('\ufeffcat\ndog\n', 'utf16le').swap16()],
  ['lines numbered with a colon', 'f.txt', '0: cat\n1: dog\n'],
  ['lines numbered with a tab', 'g.txt', '0\tcat\n1\tdog\n'],
  ["Teachable Machine's numbered lines", 'labels.txt', '0 cat\n1 dog\n'],
])('%s is read', async (_, name, content) => {
  expect(await read(name, content)).toEqual(['cat', 'dog']);
});

test("Keras's class index gives ids and names", async () => {
  const content = '{"0": ["n01440764", "tench"], "1": ["n02012849", "crane"]}';
  expect(await read('index.json', content)).toEqual(['n01440764 tench', 'n02012849 crane']);
});

test('lines are numbered only if each begins with its own index', async () => {
  expect(await read('d.txt', '0 day\n7 day\n')).toEqual(['0 day', '7 day']);
  expect(await read('j.txt', '0\n1\n')).toEqual(['0', '1']);
  expect(await read('k.txt', '0:30\n1:30\n')).toEqual(['0:30', '1:30']);
  expect(await read('e.txt', '0 day')).toEqual(['0 day']);
});

test.each<[string, string, string | Buffer]>([
  ['none for line 2', 'f.txt', 'cat\n\ndog\n'],
  ['none for line 1', 'g.txt', ''],
  ['none for line 2', 'i.txt', '0: cat\n1:\n'],
  ['none for class 1', 'f.json', '["cat", " "]'],
  ['classes 0 to 1', 'g.json', '{"0": "cat", "2": "dog"}'],
  ["got 0 at 'cat'", 'h.json', '{"cat": 0, "dog": 1}'],
  ["got 1 at '1'", 'i.json', '["cat", 1]'],
  ["got 0 at '0'", 'k.json', '[0, 1, 2, 3]'],
  ['got {"cat":"dog"}', 'l.json', '{"cat": "dog"}'],
  ['got []', 'm.json', '[]'],
  ['got JSON that cannot be read', 'j.json', '["cat"'],
  ['Expected UTF-8', 'h.txt', Buffer.from('caf\xe9', 'latin1')],
])('a file is refused with %j', async (message, name, content) => {
  await expect(read(name, content)).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringContaining(message),
  });
});
