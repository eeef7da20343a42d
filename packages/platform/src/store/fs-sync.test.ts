import type { FileHandle } from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createFsStore } from './fs-store.js';

/** What reached the disk, in order. */
const calls: string[] = [];

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return {
    ...real,
    rename: async (from: string, to: string) => {
      await real.rename(from, to);
      calls.push(`rename ${to}`);
    },
    open: async (path: string, flags: string): Promise<FileHandle> => {
      const file = await real.open(path, flags);
      const sync = file.sync.bind(file);
      return Object.assign(file, {
        sync: async () => {
          await sync();
          calls.push(`sync ${path}`);
        },
      });
    },
  };
});

test('an object outlasts a crash: its name and its folders are on the disk, too', async () => {
  const root = await mkdtemp(join(tmpdir(), 'umbra-sync-'));
  await createFsStore(root).put('a/b/object', 'content');
  const place = (path: string) => join(root, path);
  const renamed = calls.indexOf(`rename ${place('a/b/object')}`);
  expect(calls[renamed - 1]).toMatch(/^sync .*\.tmp/);
  expect(calls.slice(renamed + 1)).toEqual([`sync ${place('a/b')}`]);
  expect(calls.slice(0, renamed)).toEqual(
    expect.arrayContaining([`sync ${root}`, `sync ${place('a')}`]),
  );
  await rm(root, { recursive: true });
});
