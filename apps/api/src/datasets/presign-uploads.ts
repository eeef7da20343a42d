import { createHash } from 'node:crypto';
import { newStreamId } from '@umbra/datasets';
import { keys } from '@umbra/platform/store/keys';
import { putMarker } from '@umbra/platform/store/markers';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { presignedUpload, uploadRequest } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import { AppError } from '@umbra/shared/errors';
import type { z } from 'zod';
import type { ApiServices } from '../services.js';
import { addSource, listSources } from './dataset-sources.js';
import { type ReservingServices, reservePart } from './reserve-part.js';

/** Long enough for a thousand photos over a slow line. */
const expiresSeconds = 6 * 3600;
const presignsAtOnce = 16;

type UploadFile = z.output<typeof uploadRequest>['files'][number];
type PresignedUpload = z.output<typeof presignedUpload>;
type PresigningStore = ObjectStore & Required<Pick<ObjectStore, 'presignPut'>>;

const canPresign = (store: ObjectStore): store is PresigningStore => store.presignPut !== undefined;

/**
 * Presign URLs by which a client uploads files to the store, which checks each one's length and digest.
 *
 * The files are reserved at once in the tenant's quota, and become a source of the dataset. The same list
 * requested again, as by a client that resumes, is the same source: it counts once.
 *
 * @throws {AppError} `unprocessable` if clients cannot reach the store; `too_large`; `quota_exceeded`, and
 *   then nothing is signed.
 */
export async function presignUploads(
  services: ReservingServices & Pick<ApiServices, 'store' | 'config'>,
  dataset: Reference,
  files: readonly UploadFile[],
): Promise<PresignedUpload[]> {
  const { store, config } = services;
  if (!canPresign(store)) {
    throw new AppError(
      'unprocessable',
      'Presigned uploads need an S3 store, and this service keeps its objects on a disk: send the images to it',
    );
  }
  assertSizes(files, config.UMBRA_MAX_IMAGE_BYTES);
  const lines = files.map((file) => `${JSON.stringify(file)}\n`).join('');
  const source = await sourceIdFor(store, dataset, lines);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const reserved = { images: files.length, bytes };
  await reservePart(services, dataset, source, reserved);
  // Clients may use a URL until it expires, also once the dataset is closed or deleted.
  const aliveAt = new Date(Date.now() + expiresSeconds * 1000).toISOString();
  await putMarker(store, keys.upload(dataset.tenant, dataset.id, source), { aliveAt });
  await store.put(keys.sourceLines(dataset.tenant, dataset.id, source), lines);
  await addSource(store, dataset, source, {
    version: 1,
    kind: 'lines',
    isUpload: true,
    reserved,
    labels: null,
  });
  const uploads: PresignedUpload[] = [];
  for (let start = 0; start < files.length; start += presignsAtOnce) {
    const batch = files.slice(start, start + presignsAtOnce);
    uploads.push(...(await Promise.all(batch.map((file) => presign(store, dataset, file)))));
  }
  return uploads;
}

/** @throws {AppError} `too_large` */
function assertSizes(files: readonly UploadFile[], maxBytes: number): void {
  const large = files.find(({ bytes }) => bytes > maxBytes);
  if (large === undefined) return;
  throw new AppError(
    'too_large',
    `Expected images of at most ${maxBytes} bytes, got ${large.bytes} for '${large.name}'`,
  );
}

/** Find the source that has the same lines, or make a new one's id. */
async function sourceIdFor(store: ObjectStore, dataset: Reference, lines: string): Promise<string> {
  const digest = createHash('sha256').update(lines).digest('hex').slice(0, 12);
  for await (const id of listSources(store, dataset)) {
    if (id.endsWith(`-${digest}`)) return id;
  }
  return `${newStreamId().slice(0, 14)}-${digest}`;
}

/** Presign one file's upload; its `url` is null where the store has the file already. */
async function presign(
  store: PresigningStore,
  { tenant, id }: Reference,
  { name, bytes, sha256 }: UploadFile,
): Promise<PresignedUpload> {
  const key = keys.image(tenant, id, sha256);
  if ((await store.head(key))?.bytes === bytes) return { name, sha256, url: null, headers: {} };
  const { url, headers } = await store.presignPut(key, { expiresSeconds, bytes, sha256 });
  return { name, sha256, url, headers: { ...headers } };
}
