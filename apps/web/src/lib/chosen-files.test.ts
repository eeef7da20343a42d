import { expect, test } from 'vitest';
import { batchesOf, countWithin, filesOfEntries } from './chosen-files.js';

const fileEntry = (fullPath: string, isReadable = true) => ({
  isDirectory: false,
  fullPath,
  file: (resolve: (file: File) => void, reject: (error: Error) => void) =>
    isReadable ? resolve(new File([], 'x')) : reject(new Error('NotReadableError')),
});

/** A folder whose reader gives two entries at a time. */
const folderEntry = (fullPath: string, entries: readonly object[]) => ({
  isDirectory: true,
  fullPath,
  createReader() {
    const left = [...entries];
    return { readEntries: (resolve: (some: object[]) => void) => resolve(left.splice(0, 2)) };
  },
});

test('a folder that is dropped gives the files of all its folders, named by their paths', async () => {
  const inner = folderEntry('/a/b', [fileEntry('/a/b/3.jpg')]);
  const outer = folderEntry('/a', [fileEntry('/a/1.jpg'), inner, fileEntry('/a/4.jpg', false)]);
  const entries = [outer, fileEntry('/2.jpg')] as unknown as FileSystemEntry[];
  const { files, unread } = await filesOfEntries(entries);
  expect(files.map(({ name }) => name)).toEqual(['a/1.jpg', 'a/b/3.jpg', '2.jpg']);
  expect(unread).toEqual(['a/4.jpg']);
});

test('many files go in batches of so many files and bytes, and a larger file alone', () => {
  const fileOf = (name: string, size: number) => ({ name, file: { size } as File });
  const mebibyte = 1024 ** 2;
  const sizes = (files: readonly { name: string; file: File }[]) =>
    batchesOf(files).map((batch) => batch.map(({ name }) => name));
  expect(sizes([])).toEqual([]);
  const small = Array.from({ length: 401 }, (_, index) => fileOf(String(index), 1));
  expect(batchesOf(small).map((batch) => batch.length)).toEqual([200, 200, 1]);
  expect(batchesOf(small).flat()).toEqual(small);
  const large = [
    fileOf('a', 20 * mebibyte),
    fileOf('b', 12 * mebibyte),
    fileOf('c', 1),
    fileOf('d', 40 * mebibyte),
    fileOf('e', 1),
  ];
  expect(sizes(large)).toEqual([['a', 'b'], ['c'], ['d'], ['e']]);
});

test('files are counted as sent once their last byte is', () => {
  const files = [3, 0, 4].map((size) => ({ name: String(size), file: { size } as File }));
  expect([0, 2, 3, 6, 7].map((bytes) => countWithin(files, bytes))).toEqual([0, 0, 2, 2, 3]);
  expect(countWithin([], 0)).toBe(0);
});
