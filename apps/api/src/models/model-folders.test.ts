import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBundle } from '@umbra/engine';
import { writeTinyBundle } from '@umbra/engine/testing';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { publishModel } from '@umbra/platform/store/models';
import type { ObjectStore } from '@umbra/platform/store/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createModelFolders } from './model-folders.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'umbra-folders-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A store that reads nothing until it is opened, and counts what is read. */
function closeStore(store: ObjectStore) {
  const opening = new AbortController();
  const opened = once(opening.signal, 'abort');
  let reads = 0;
  const closed: ObjectStore = {
    ...store,
    get: async (...call: Parameters<ObjectStore['get']>) => {
      reads += 1;
      await opened;
      return store.get(...call);
    },
  };
  return { closed, open: () => opening.abort(), reads: () => reads };
}

test('a model arrives once for all who ask, also where those leave who asked first', async () => {
  const store = createFsStore(join(root, 'store'));
  const bundle = join(root, 'models', 'tiny');
  await writeTinyBundle(join(root, 'models'), { size: 16 });
  const { name, digest } = await publishModel(store, bundle, await readBundle(bundle));
  const model = { tenant: 'acme', name, digest };
  const { closed, open, reads } = closeStore(store);
  const cache = join(root, 'cache');
  const folders = createModelFolders(closed, { folder: cache, maxBytes: 1e9 });
  const leaving = new AbortController();
  const left = folders.get(model, leaving.signal);
  leaving.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  const stays = folders.get(model, new AbortController().signal);
  open();
  const folder = await stays;
  expect(reads()).toBe(1);
  expect((await readBundle(folder)).digest).toBe(model.digest);
  expect(await readdir(cache)).toEqual(['tiny']);
});
