import { readJsonLines } from '@umbra/platform/store/json';
import { matchKey, parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { Marker } from '@umbra/platform/store/markers';
import type { ObjectStore } from '@umbra/platform/store/store';
import { datasetItem } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import { clearJournal } from '../clear-journal.js';
import { readDatasetRecord } from '../dataset-record.js';
import { createDigestSet } from '../digest-set.js';
import { type Remains, type RemainsOptions, removeDatasetFiles } from './remains.js';

type UploadOptions = Pick<RemainsOptions, 'store' | 'onRemoved'>;

/** @returns What an upload left whose process is gone; null while its dataset takes images. */
export async function findUploadRemains(
  options: UploadOptions,
  key: string,
  marker: Marker,
): Promise<Remains | null> {
  const { store } = options;
  const place = matchKey('upload', key);
  if (place === null) return null;
  const dataset = { tenant: place.tenant, id: place.dataset };
  const record = await readDatasetRecord(store, dataset);
  // Other requests may share its photos as yet: which ones are nobody's shows once it is closed.
  if (record?.state === 'open' || record?.state === 'validating') return null;
  return {
    kind: 'upload',
    name: key,
    sinceMs: Date.parse(marker.aliveAt),
    async remove(signal) {
      if (record === null) await removeUnmade(options, dataset, { marker, signal });
      else if (marker.job !== undefined) await removeUnread(options, dataset, { marker, signal });
      else if (record.state === 'ready') await removeUnlisted(store, dataset, signal);
      await store.delete(key);
    },
  };
}

type Removal = { readonly marker: Marker; readonly signal: AbortSignal | undefined };

/** A dataset that was never made, or was deleted meanwhile. */
async function removeUnmade(
  { store, onRemoved }: UploadOptions,
  dataset: Reference,
  removal: Removal,
): Promise<void> {
  await removeDatasetFiles(store, dataset, removal);
  await onRemoved?.(dataset.tenant, dataset.id);
}

/** The dataset of an interactive job that was never made. */
async function removeUnread(
  options: UploadOptions,
  dataset: Reference,
  removal: Removal,
): Promise<void> {
  const { store } = options;
  const { tenant, id } = dataset;
  const { job } = removal.marker;
  if (job === undefined || (await store.head(keys.job(tenant, job))) !== null) return;
  await store.delete(keys.dataset(tenant, id));
  await removeUnmade(options, dataset, removal);
}

/** Photos of a dataset that its manifest does not name, and what is left of its journal. */
async function removeUnlisted(
  store: ObjectStore,
  { tenant, id }: Reference,
  signal: AbortSignal | undefined,
): Promise<void> {
  await clearJournal(store, tenant, id);
  const listed = createDigestSet();
  const { body } = await store.stream(keys.manifest(tenant, id));
  for await (const { value } of readJsonLines(body, datasetItem)) {
    listed.add(Buffer.from(value.sha256, 'hex'));
  }
  for await (const { key } of store.list(keys.images(tenant, id))) {
    signal?.throwIfAborted();
    const { sha256 } = parseKey('image', key);
    if (listed.add(Buffer.from(sha256, 'hex'))) await store.delete(key);
  }
}
