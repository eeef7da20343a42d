import type { ObjectStore } from './store.js';

/** Sorts behind whatever a folder holds, by byte. */
const last = '\u{10ffff}';

/**
 * The names of the folders right below a prefix, in ascending order.
 *
 * A folder's content is jumped over, not read: one listing a folder, however much it holds.
 *
 * @param prefix Ends in `/`.
 * @param follow Only the names after this one.
 */
export async function* listFolders(
  store: ObjectStore,
  prefix: string,
  follow?: string,
): AsyncGenerator<string> {
  let after = follow === undefined ? undefined : `${prefix}${follow}/${last}`;
  for (;;) {
    const found = await firstFolder(store, prefix, after);
    if (found === null) return;
    yield found;
    after = `${prefix}${found}/${last}`;
  }
}

async function firstFolder(
  store: ObjectStore,
  prefix: string,
  after: string | undefined,
): Promise<string | null> {
  for await (const { key } of store.list(prefix, after === undefined ? {} : { after })) {
    const end = key.indexOf('/', prefix.length);
    if (end !== -1) return key.slice(prefix.length, end);
  }
  return null;
}
