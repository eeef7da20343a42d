import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasCode, invalidInput, notFound } from '@umbra/shared/errors';
import { assertPrefix, assertRange, type ByteRange } from './arguments.js';
import { checkStore } from './check.js';
import { endWith } from './end-with.js';
import { isSystemError, reading, writeFault, writing } from './fs-errors.js';
import { assertInside } from './fs-links.js';
import {
  type FsRootOptions,
  makeFolder,
  markerName,
  openFsRoot,
  scratch,
  syncFolder,
} from './fs-root.js';
import { assertScratchName, listUnfinished } from './fs-unfinished.js';
import { walk } from './fs-walk.js';
import { assertKey } from './keys.js';
import type { ObjectInfo, ObjectStore, StoredObject } from './store.js';

/**
 * Objects as files under one folder. The first write or check of a process makes it, where that is
 * permitted; one that was seen and is away is `unavailable` until it is back, for reads and lists as well.
 */
export function createFsStore(folder: string, options: FsRootOptions = {}): ObjectStore {
  const root = resolve(folder);
  const { open: openRoot, assertPresent, assertSeen } = openFsRoot(root, options);
  const pathOf = (key: string): string => {
    assertKey(key);
    if (key === markerName || key === scratch || key.startsWith(`${scratch}/`)) {
      throw invalidInput(`Expected a key outside '${scratch}/' and '${markerName}', got '${key}'`);
    }
    return join(root, key);
  };
  const read = async <T>(key: string, work: (path: string) => Promise<T>): Promise<T> => {
    const path = pathOf(key);
    await assertSeen();
    try {
      return await reading(key, async () => {
        await assertInside(root, path, key);
        return work(path);
      });
    } catch (error) {
      // What is not found may be away with all the rest.
      if (hasCode(error, 'not_found')) await assertPresent();
      throw error;
    }
  };

  const store: ObjectStore = {
    kind: 'fs',
    async get(key, signal) {
      signal?.throwIfAborted();
      try {
        return await read(key, (path) => readFile(path, { signal }));
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      }
    },
    async stream(key, range, signal) {
      assertRange(range);
      signal?.throwIfAborted();
      const found = await read(key, async (path) => streamFile(await open(path, 'r'), key, range));
      return endWith(signal, found);
    },
    async head(key, signal) {
      signal?.throwIfAborted();
      try {
        const info = await read(key, (path) => stat(path));
        return info.isFile() ? { key, bytes: info.size, modifiedMs: info.mtimeMs } : null;
      } catch (error) {
        if (hasCode(error, 'not_found')) return null;
        throw error;
      }
    },
    async put(key, body) {
      await store.putStream(key, Readable.from([body]));
    },
    async putStream(key, body) {
      const path = pathOf(key);
      const temporary = join(root, scratch, randomUUID());
      try {
        await openRoot();
        await writing(key, () => prepareParents(root, temporary, path, key));
        await receive(body, temporary, key);
        const bytes = await writing(key, () => flush(temporary));
        await writing(key, () => rename(temporary, path));
        await writing(key, () => syncFolder(dirname(path)));
        return { bytes };
      } catch (error) {
        body.destroy();
        await rm(temporary, { force: true }).catch(() => undefined);
        throw error;
      }
    },
    async delete(key) {
      if ((await store.head(key)) === null) return;
      await writing(key, () => rm(pathOf(key), { force: true }));
    },
    list: (prefix, options) => list(prefix, options),
    listUnfinished: (beforeMs) => listUnfinished(join(root, scratch), beforeMs),
    async abortUnfinished({ id }) {
      assertScratchName(id);
      await writing(id, () => rm(join(root, scratch, id), { force: true }));
    },
    check: () => checkStore(store),
  };

  async function* list(
    prefix: string,
    { after, signal }: { readonly after?: string; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<ObjectInfo> {
    assertPrefix(prefix);
    await assertPresent();
    // Also refuses a prefix that a link leads out of the store.
    if (prefix !== '' && (await folderExists(prefix.slice(0, -1))) === false) return;
    yield* walk({ root, after, head: (key) => store.head(key, signal) }, prefix);
    // A volume that went away meanwhile must not look like the end of the list.
    await assertPresent();
  }

  async function folderExists(key: string): Promise<boolean> {
    try {
      return (await read(key, (path) => stat(path))).isDirectory();
    } catch (error) {
      if (hasCode(error, 'not_found')) return false;
      throw error;
    }
  }

  return store;
}

/** The size comes from the open file: a replacement meanwhile changes neither it nor the bytes. */
async function streamFile(file: FileHandle, key: string, range?: ByteRange): Promise<StoredObject> {
  try {
    const info = await file.stat();
    if (!info.isFile()) throw notFound(`No object '${key}'`);
    const start = Math.min(range?.start ?? 0, info.size);
    const bytes = Math.min(range?.end ?? info.size, info.size) - start;
    if (bytes > 0) {
      return { body: file.createReadStream({ start, end: start + bytes - 1 }), bytes };
    }
    await file.close();
    return { body: Readable.from([]), bytes: 0 };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function prepareParents(
  root: string,
  temporary: string,
  path: string,
  key: string,
): Promise<void> {
  await makeFolder(dirname(temporary), root);
  await assertInside(root, dirname(path), key);
  await makeFolder(dirname(path), root);
}

/** Faults of our own file are the store's; the source's errors pass as they are. */
async function receive(body: Readable, temporary: string, key: string): Promise<void> {
  try {
    await pipeline(body, createWriteStream(temporary, { flags: 'wx' }));
  } catch (error) {
    const isOurs =
      isSystemError(error) && (error.path === temporary || error.syscall.startsWith('write'));
    throw isOurs ? writeFault(error, key) : error;
  }
}

/** Bytes must be on the disk before the name is: a crash then leaves the old object or the new. */
async function flush(path: string): Promise<number> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}
