import { deleteFolder } from '@umbra/platform/store/delete-all';
import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { listFolders } from '@umbra/platform/store/list-folders';
import type { ObjectStore } from '@umbra/platform/store/store';
import { listTenants } from '@umbra/platform/tenancy/tenant';
import type { Remains, RemainsOptions } from './remains.js';

type OrphanOptions = Pick<RemainsOptions, 'store' | 'abandonedMs'>;

/** A folder, the record without which it is an orphan, and the markers that own it meanwhile. */
type Owned = {
  readonly folder: string;
  readonly record: string;
  readonly markers: readonly string[];
};

/** Files of datasets and jobs that have neither a record nor a marker, as of versions before markers. */
export async function* findOrphans(options: OrphanOptions): AsyncGenerator<Remains | null> {
  const { store } = options;
  for await (const tenant of listTenants(store)) {
    for await (const id of listFolders(store, keys.datasets(tenant))) {
      yield await findOrphan(options, {
        folder: keys.datasetFiles(tenant, id),
        record: keys.dataset(tenant, id),
        markers: [
          keys.ingest(tenant, id),
          keys.datasetUploads(tenant, id),
          keys.deletedDataset(tenant, id),
        ],
      });
    }
    for await (const id of listFolders(store, keys.jobs(tenant))) {
      yield await findOrphan(options, {
        folder: keys.jobFiles(tenant, id),
        record: keys.job(tenant, id),
        markers: [keys.activeJob(tenant, id), keys.deletedJob(tenant, id)],
      });
    }
    for await (const { key, modifiedMs } of store.list(keys.datasetIndex(tenant))) {
      const { id } = parseKey('datasetEntry', key);
      const isOld = modifiedMs < Date.now() - options.abandonedMs;
      const isOrphan = isOld && (await store.head(keys.dataset(tenant, id))) === null;
      yield isOrphan
        ? { kind: 'orphan', name: key, sinceMs: modifiedMs, remove: () => store.delete(key) }
        : null;
    }
  }
}

async function findOrphan(
  { store, abandonedMs }: OrphanOptions,
  { folder, record, markers }: Owned,
): Promise<Remains | null> {
  if ((await store.head(record)) !== null) return null;
  for (const marker of markers) if (await exists(store, marker)) return null;
  let sinceMs = 0;
  for await (const { modifiedMs } of store.list(folder)) {
    sinceMs = Math.max(sinceMs, modifiedMs);
    if (sinceMs >= Date.now() - abandonedMs) return null;
  }
  return {
    kind: 'orphan',
    name: folder,
    sinceMs,
    async remove(signal) {
      if ((await store.head(record)) === null) await deleteFolder(store, folder, signal);
    },
  };
}

/** Whether there is an object, or anything in a folder. */
async function exists(store: ObjectStore, key: string): Promise<boolean> {
  if (!key.endsWith('/')) return (await store.head(key)) !== null;
  for await (const _ of store.list(key)) return true;
  return false;
}
