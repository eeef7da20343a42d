import { newStreamId, offsetOf, putParts } from '@umbra/datasets';
import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import {
  type archiveRequest,
  type archiveUpload,
  type DatasetSource,
  datasetSource,
  reservedFor,
} from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import { AppError, hasCode, invalidInput, notFound } from '@umbra/shared/errors';
import type { z } from 'zod';
import { releaseQuietly } from '../auth/release-usage.js';
import { ProblemError } from '../http/problems.js';
import { receiveBody, type Upload } from '../http/receive-body.js';
import type { ApiServices } from '../services.js';
import { addSource } from './dataset-sources.js';
import { findOpenDataset } from './find-dataset.js';
import { type ReservingServices, reservePart } from './reserve-part.js';

type ArchiveUpload = z.output<typeof archiveUpload>;

/**
 * Begin the upload of an archive in parts; its bytes count in the tenant's quota from now on.
 *
 * @throws {AppError} `too_large`; `quota_exceeded`
 */
export async function beginArchiveUpload(
  services: ReservingServices & Pick<ApiServices, 'store' | 'config'>,
  dataset: Reference,
  { format, bytes, labels }: z.output<typeof archiveRequest>,
): Promise<ArchiveUpload> {
  const maxBytes = services.config.UMBRA_MAX_UPLOAD_BYTES;
  if (bytes > maxBytes) {
    const expected = `Expected an archive of at most ${maxBytes} bytes`;
    throw new AppError('too_large', `${expected}, got ${bytes}`);
  }
  const id = newStreamId();
  const source: DatasetSource = {
    version: 1,
    kind: 'archive',
    format,
    bytes,
    labels: labels ?? null,
  };
  await reservePart(services, dataset, id, reservedFor(source));
  await addSource(services.store, dataset, id, source);
  return { id, format, bytes, offset: 0 };
}

/** Read an archive upload and its offset. @throws {AppError} `not_found` */
export async function findArchiveUpload(
  store: ObjectStore,
  { tenant, id: dataset }: Reference,
  id: string,
): Promise<ArchiveUpload> {
  const unknown = notFound(`Unknown archive '${id}' of dataset '${dataset}'`);
  const source = await getJson(store, keys.source(tenant, dataset, id), datasetSource).catch(
    (error: unknown) => {
      throw hasCode(error, 'not_found') ? unknown : error;
    },
  );
  if (source.kind !== 'archive') throw unknown;
  const offset = await offsetOf({ store, tenant, dataset, source: id });
  return { id, format: source.format, bytes: source.bytes, offset };
}

/**
 * Append a request's body to an archive. Bytes received before a request breaks off are kept.
 *
 * @returns The offset at which the next part starts.
 * @throws {AppError} `conflict` with the right offset, if the part starts elsewhere.
 */
export async function appendPart(
  services: Pick<ApiServices, 'store' | 'config' | 'turns'>,
  dataset: Reference,
  archive: ArchiveUpload,
  upload: Upload,
): Promise<number> {
  const { request, signal } = upload;
  const { store } = services;
  const given = request.get('upload-offset');
  if (given === undefined || !/^\d{1,15}$/.test(given)) {
    throw invalidInput('Expected Upload-Offset: a number of bytes');
  }
  if (Number(given) !== archive.offset) {
    throw new ProblemError('conflict', `Expected Upload-Offset ${archive.offset}, got ${given}`, {
      headers: { 'Upload-Offset': String(archive.offset) },
    });
  }
  const parts = { store, tenant: dataset.tenant, dataset: dataset.id, source: archive.id };
  const offset = await receiveBody(services, upload, (body) =>
    putParts(parts, body, archive.offset, archive.bytes),
  );
  // What came before a body was too slow is stored, too.
  signal.throwIfAborted();
  // A dataset that was closed meanwhile takes nothing.
  await findOpenDataset(store, dataset);
  return offset;
}

/** Remove an archive from an open dataset, with the parts that were received. */
export async function removeArchiveUpload(
  { store, usage }: Pick<ApiServices, 'store' | 'usage'>,
  { tenant, id: dataset }: Reference,
  id: string,
): Promise<void> {
  await store.delete(keys.source(tenant, dataset, id));
  const parts = keys.parts(tenant, dataset, id);
  for await (const { key } of store.list(parts)) await store.delete(key);
  await releaseQuietly(usage.releaseDataset(tenant, `${dataset}.${id}`));
}
