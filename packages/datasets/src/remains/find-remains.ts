import { deleteFolder } from '@umbra/platform/store/delete-all';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { type Marker, readMarker } from '@umbra/platform/store/markers';
import type { ObjectInfo, ObjectStore } from '@umbra/platform/store/store';
import { listTenants } from '@umbra/platform/tenancy/tenant';
import { findOrphans } from './find-orphans.js';
import { findModelRemains } from './model-remains.js';
import { type Remains, type RemainsOptions, removeDatasetFiles } from './remains.js';
import { findUploadRemains } from './upload-remains.js';

/**
 * Find what the service should delete. Nothing that a record, a manifest or a journal names is among it,
 * and nothing of an upload that lives.
 *
 * @returns null for each thing that stays, so that its reader can stop anywhere.
 */
export async function* findRemains(options: RemainsOptions): AsyncGenerator<Remains | null> {
  const { store, abandonedMs } = options;
  for await (const info of store.list(keys.uploads())) {
    const marker = await abandoned(options, info);
    yield marker === null
      ? null
      : (findModelRemains(store, info.key, marker) ??
        (await findUploadRemains(options, info.key, marker)));
  }
  for await (const info of store.list(keys.deletions())) {
    const marker = await abandoned(options, info);
    yield marker === null
      ? null
      : (findModelRemains(store, info.key, marker) ?? deletionRemains(store, info.key, marker));
  }
  if (options.keepScoresMs !== undefined) yield* findOldScores(store, options.keepScoresMs);
  // Late: where the service may not list them, the rest is found.
  for await (const write of store.listUnfinished(Date.now() - abandonedMs)) {
    yield {
      kind: 'write',
      name: write.id,
      sinceMs: write.activeMs,
      remove: () => store.abortUnfinished(write),
    };
  }
  if (options.isThorough === true) yield* findOrphans(options);
}

/** @returns The marker; null while its work may live, or where it is gone. */
async function abandoned(
  { store, abandonedMs }: RemainsOptions,
  { key, modifiedMs }: ObjectInfo,
): Promise<Marker | null> {
  const beforeMs = Date.now() - abandonedMs;
  // By the listing alone, as nearly all are.
  if (modifiedMs > beforeMs) return null;
  const marker = await readMarker(store, key);
  return marker !== null && Date.parse(marker.aliveAt) < beforeMs ? marker : null;
}

/** What was written after a deletion, or was left by one that did not end. */
function deletionRemains(store: ObjectStore, key: string, marker: Marker): Remains | null {
  const dataset = matchKey('deletedDataset', key);
  const job = matchKey('deletedJob', key);
  if (dataset === null && job === null) return null;
  return {
    kind: 'deletion',
    name: key,
    sinceMs: Date.parse(marker.aliveAt),
    async remove(signal) {
      if (dataset !== null) await removeDatasetFiles(store, dataset, { marker, signal });
      // Where the record is there, the deletion had not begun.
      else if (job !== null && (await store.head(keys.job(job.tenant, job.id))) === null) {
        const { tenant, id } = job;
        const { createdAt } = marker;
        if (createdAt !== undefined) await store.delete(keys.jobEntry(tenant, { id, createdAt }));
        await deleteFolder(store, keys.jobFiles(tenant, id), signal);
      }
      await store.delete(key);
    },
  };
}

async function* findOldScores(store: ObjectStore, keepMs: number): AsyncGenerator<Remains | null> {
  for await (const tenant of listTenants(store)) {
    for await (const { key, modifiedMs } of store.list(keys.allRows(tenant))) {
      yield modifiedMs > Date.now() - keepMs
        ? null
        : { kind: 'scores', name: key, sinceMs: modifiedMs, remove: () => store.delete(key) };
    }
  }
}
