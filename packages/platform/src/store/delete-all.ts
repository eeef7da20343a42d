import type { ObjectStore } from './store.js';

/** Delete a folder, its description first: what is half deleted is no longer found. */
export async function deleteAll(
  store: ObjectStore,
  prefix: string,
  description: string,
): Promise<void> {
  await store.delete(description);
  for await (const { key } of store.list(prefix)) await store.delete(key);
}
