import { type MarkerFacts, putMarker } from './markers.js';
import type { ObjectStore } from './store.js';

export type Deletion = {
  readonly description: string;
  readonly marker: string;
  /** What the marker says beside its time, for the sweep. */
  readonly facts?: MarkerFacts;
  /** Its entry in an index. */
  readonly entry?: string;
};

/**
 * Delete a folder, its description first: what is half deleted is no longer found.
 *
 * The marker names the deletion until the sweep has looked once more: a process that dies here, or a
 * step that still ran and writes later, leaves nothing.
 */
export async function deleteAll(
  store: ObjectStore,
  prefix: string,
  { description, marker, facts, entry }: Deletion,
): Promise<void> {
  await putMarker(store, marker, facts);
  await store.delete(description);
  if (entry !== undefined) await store.delete(entry);
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
