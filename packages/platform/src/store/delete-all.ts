import { putMarker } from './markers.js';
import type { ObjectStore } from './store.js';

/**
 * Delete a folder, its description first: what is half deleted is no longer found.
 *
 * The marker names the deletion until the sweep has looked once more: a process that dies here, or a
 * step that still ran and writes later, leaves nothing.
 */
export async function deleteAll(
  store: ObjectStore,
  prefix: string,
  { description, marker }: { readonly description: string; readonly marker: string },
): Promise<void> {
  await putMarker(store, marker);
  await store.delete(description);
  await deleteFolder(store, prefix);
}

/** @param signal Ends it before the next object. */
export async function deleteFolder(
  store: ObjectStore,
  prefix: string,
  signal?: AbortSignal,
): Promise<void> {
  for await (const { key } of store.list(prefix)) {
    signal?.throwIfAborted();
    await store.delete(key);
  }
}
