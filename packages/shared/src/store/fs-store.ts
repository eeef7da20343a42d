import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasCode, invalidInput, notFound, unavailable } from '../errors.js';
import { checkStore } from './check.js';
import { assertKey } from './keys.js';
import type { ObjectInfo, ObjectStore } from './store.js';

/** Holds half-written objects; on the root's own filesystem, so that a rename is atomic. */
const scratch = '.tmp';

/** Objects as files under one folder, which is made when the first object is written. */
export function createFsStore(folder: string): ObjectStore {
  const root = resolve(folder);
  const pathOf = (key: string): string => {
    assertKey(key);
    return join(root, ...key.split('/'));
  };

  const store: ObjectStore = {
    kind: 'fs',
    get: (key) => located(key, () => readFile(pathOf(key))),
    async stream(key, range) {
      const info = await statFile(pathOf(key), key);
      if (info === null) throw notFound(`No object '${key}'`);
      const body = createReadStream(
        pathOf(key),
        range ? { start: range.start, end: range.end - 1 } : {},
      );
      const end = Math.min(range?.end ?? info.bytes, info.bytes);
      return { body, bytes: Math.max(0, end - (range?.start ?? 0)) };
    },
    head: (key) => statFile(pathOf(key), key),
    async put(key, body) {
      await store.putStream(key, Readable.from([body]));
    },
    async putStream(key, body) {
      const path = pathOf(key);
      const temporary = join(root, scratch, randomUUID());
      try {
        await located(key, () => prepareParents(root, temporary, path));
        await pipeline(body, createWriteStream(temporary, { flags: 'wx' }));
        const bytes = await flush(temporary);
        await located(key, () => rename(temporary, path));
        return { bytes };
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined);
        throw translate(error, key);
      }
    },
    async delete(key) {
      await located(key, () => rm(pathOf(key), { force: true }));
    },
    async *list(prefix, options) {
      if (prefix !== '') assertKey(prefix.replace(/\/$/, ''));
      yield* walk(root, prefix, options?.after);
    },
    check: () => checkStore(store),
  };
  return store;
}

async function prepareParents(root: string, temporary: string, path: string): Promise<void> {
  await mkdir(dirname(temporary), { recursive: true });
  await mkdir(dirname(path), { recursive: true });
  // A link below the root must not lead writes out of it.
  const [realRoot, realParent] = await Promise.all([realpath(root), realpath(dirname(path))]);
  if (realParent !== realRoot && !realParent.startsWith(realRoot + sep)) {
    throw invalidInput(`Expected every key to stay inside the store, '${path}' leaves it`);
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

async function statFile(path: string, key: string): Promise<ObjectInfo | null> {
  try {
    const info = await located(key, () => stat(path));
    return info.isFile() ? { key, bytes: info.size } : null;
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  }
}

/**
 * Keys in the byte order of the whole key, as S3 lists them: a folder sorts as its name and `/`.
 * One folder's names are in memory at a time for each level.
 */
async function* walk(root: string, prefix: string, after?: string): AsyncGenerator<ObjectInfo> {
  const entries = await readdir(join(root, prefix), { withFileTypes: true }).catch(
    (error: unknown) => {
      const translated = translate(error, prefix);
      if (hasCode(translated, 'not_found')) return [];
      throw translated;
    },
  );
  const names = entries
    .filter((entry) => prefix !== '' || entry.name !== scratch)
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const name of names) {
    const key = prefix + name;
    if (name.endsWith('/')) {
      // A whole folder below the cursor is passed over unread.
      if (after !== undefined && !after.startsWith(key) && isBefore(key, after)) continue;
      yield* walk(root, key, after);
    } else if (after === undefined || isBefore(after, key)) {
      const info = await statFile(join(root, key), key);
      if (info !== null) yield info;
    }
  }
}

const isBefore = (a: string, b: string): boolean =>
  Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;

async function located<T>(key: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translate(error, key);
  }
}

const missing = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);
const faults = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EMFILE', 'EIO', 'EEXIST']);

function translate(error: unknown, key: string): unknown {
  if (hasCode(error)) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  const writing = ['mkdir', 'rename', 'open'].includes(
    (error as NodeJS.ErrnoException | null)?.syscall ?? '',
  );
  if (code === 'ENOTDIR' && writing) return unavailable(`Cannot write object '${key}'`, error);
  if (missing.has(code)) return notFound(`No object '${key}'`);
  if (faults.has(code)) return unavailable(`The store failed on '${key}' (${code})`, error);
  return error;
}
