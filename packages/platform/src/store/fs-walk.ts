import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '@umbra/shared/errors';
import { reading } from './fs-errors.js';
import type { ObjectInfo } from './store.js';

export type Walk = {
  readonly root: string;
  readonly after: string | undefined;
  /** @returns null for what is no object; `invalid_input` for what must not be read. */
  readonly head: (key: string) => Promise<ObjectInfo | null>;
};

/**
 * Objects below a folder, in the byte order of their whole keys, as S3 lists them: so a folder sorts
 * as its name and `/`. One folder's names are in memory at a time for each level. Links to folders are
 * not followed.
 *
 * @param prefix Empty, or ends in `/`.
 */
export async function* walk(options: Walk, prefix: string): AsyncGenerator<ObjectInfo> {
  const { root, after, head } = options;
  for (const { name, isFolder } of await sortedEntries(join(root, prefix), prefix)) {
    const key = prefix + name;
    if (isFolder) {
      // A whole folder below the cursor is passed over unread.
      if (after !== undefined && !after.startsWith(key) && isBefore(key, after)) continue;
      yield* walk(options, key);
    } else if (after === undefined || isBefore(after, key)) {
      const info = await head(key).catch(nullWhenRefused);
      if (info !== null) yield info;
    }
  }
}

type FolderEntry = { readonly name: string; readonly isFolder: boolean };

async function sortedEntries(folder: string, prefix: string): Promise<FolderEntry[]> {
  let found: Dirent[];
  try {
    found = await reading(prefix, () => readdir(folder, { withFileTypes: true }));
  } catch (error) {
    if (hasCode(error, 'not_found')) return [];
    throw error;
  }
  return found
    .map((entry) => {
      const name = entry.isDirectory() ? `${entry.name}/` : entry.name;
      return { name, isFolder: entry.isDirectory(), bytes: Buffer.from(name) };
    })
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes));
}

/** Half-written objects, links out of the store, names that are no keys: none can be read. */
function nullWhenRefused(error: unknown): null {
  if (hasCode(error, 'invalid_input')) return null;
  throw error;
}

const isBefore = (a: string, b: string): boolean =>
  Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
