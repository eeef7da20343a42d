import { createJournal, newStreamId } from '@umbra/datasets';
import { putJson } from '@umbra/platform/store/json';
import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { DatasetSource } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import { receiveBody, type Upload } from '../http/receive-body.js';
import type { ApiServices } from '../services.js';
import type { LabelRule } from './open-dataset-writer.js';

/** List the ids of a dataset's sources. */
export async function* listSources(
  store: ObjectStore,
  { tenant, id }: Reference,
): AsyncGenerator<string> {
  for await (const { key } of store.list(keys.sources(tenant, id))) {
    yield parseKey('source', key).source;
  }
}

/** Add a source to a dataset, which a worker reads once the dataset is closed. */
export async function addSource(
  store: ObjectStore,
  { tenant, id }: Reference,
  sourceId: string,
  source: DatasetSource,
): Promise<void> {
  await putJson(store, keys.source(tenant, id, sourceId), source);
}

/**
 * Add a request's manifest to a dataset as a source.
 *
 * @returns The source's id.
 * @throws {AppError} `too_large`; `unavailable` where too many uploads wait.
 */
export async function addManifest(
  services: Pick<ApiServices, 'store' | 'config' | 'turns'>,
  dataset: Reference,
  labels: LabelRule,
  upload: Upload,
): Promise<string> {
  const { tenant, id } = dataset;
  const sourceId = newStreamId();
  const { store } = services;
  await receiveBody(services, upload, (body) =>
    store.putStream(keys.sourceLines(tenant, id, sourceId), body),
  );
  await addSource(store, dataset, sourceId, { version: 1, kind: 'lines', isUpload: false, labels });
  return sourceId;
}

/** Remove a manifest from a dataset, with what was read of it already. */
export async function removeManifest(
  store: ObjectStore,
  { tenant, id }: Reference,
  sourceId: string,
): Promise<void> {
  await store.delete(keys.source(tenant, id, sourceId));
  await store.delete(keys.sourceLines(tenant, id, sourceId));
  await createJournal({ store, tenant, dataset: id }, sourceId).withdraw();
}
