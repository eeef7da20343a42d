import { deleteFolder } from '@umbra/platform/store/delete-all';
import { keys } from '@umbra/platform/store/keys';
import type { Marker } from '@umbra/platform/store/markers';
import type { ObjectStore } from '@umbra/platform/store/store';

/** What a process left that died, or wrote after a deletion: no list shows it, and no request deletes it. */
export type Remains = {
  readonly kind: 'upload' | 'deletion' | 'write' | 'scores' | 'orphan';
  /** Key or folder, or the driver's name of a write. */
  readonly name: string;
  /** Last sign of life, ms since the epoch. */
  readonly sinceMs: number;
  /** Delete it. Safe to repeat: its marker goes last. @param signal Ends it before the next object. */
  remove(signal?: AbortSignal): Promise<void>;
};

export type RemainsOptions = {
  readonly store: ObjectStore;
  /** Time without a sign of life after which work counts as abandoned, ms. */
  readonly abandonedMs: number;
  /** Age at which scores that later jobs may reuse are deleted, ms; undefined keeps them. */
  readonly keepScoresMs?: number | undefined;
  /** Whether to look at every dataset and job, and not only at what is marked. */
  readonly isThorough?: boolean;
  /** Called once a dataset's objects are gone. */
  readonly onRemoved?: (tenant: string, dataset: string) => Promise<void>;
};

/** Delete the files of a dataset that has no record. */
export async function removeDatasetFiles(
  store: ObjectStore,
  { tenant, id }: { readonly tenant: string; readonly id: string },
  { marker, signal }: { readonly marker: Marker; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  if ((await store.head(keys.dataset(tenant, id))) !== null) return;
  const { createdAt } = marker;
  if (createdAt !== undefined) await store.delete(keys.datasetEntry(tenant, { id, createdAt }));
  await deleteFolder(store, keys.datasetFiles(tenant, id), signal);
}
