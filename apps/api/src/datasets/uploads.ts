import { createHash } from 'node:crypto';
import { newStreamId, offsetOf, putParts } from '@umbra/datasets';
import type { Stored } from '@umbra/platform/redis/usage-ledger';
import { getJson } from '@umbra/platform/store/json';
import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import {
  type archiveRequest,
  type archiveUpload,
  type DatasetSource,
  datasetSource,
  type presignedUpload,
  reservedFor,
  type uploadRequest,
} from '@umbra/shared/contracts/dataset';
import { AppError, hasCode, invalidInput, notFound } from '@umbra/shared/errors';
import type { Request } from 'express';
import type { z } from 'zod';
import { releaseQuietly } from '../auth/release-usage.js';
import { ProblemError } from '../http/problems.js';
import type { ApiServices } from '../services.js';
import { addSource } from './create-dataset.js';
import { findOpen } from './find-dataset.js';

/** Long enough for a thousand photos over a slow line. */
const expiresSeconds = 6 * 3600;

type Files = z.output<typeof uploadRequest>['files'];

/**
 * Leave for a client to send files straight to the store, which holds each to its length and digest.
 *
 * They are booked at once, and wherever the dataset stands then, they have their place. The same list asked
 * for again, as by a client that goes on, is the same source: it counts once.
 *
 * @throws {AppError} `unprocessable` if the store is none that clients can reach; `quota_exceeded`, and then
 *   nothing is signed.
 */
export async function presignUploads(
  context: ApiServices,
  tenant: string,
  id: string,
  files: Files,
): Promise<z.output<typeof presignedUpload>[]> {
  const { store, config } = context;
  if (store.presignPut === undefined) {
    throw new AppError(
      'unprocessable',
      'Presigned uploads need an S3 store, and this service keeps its objects on a disk: send the images to it',
    );
  }
  const large = files.find(({ bytes }) => bytes > config.UMBRA_MAX_IMAGE_BYTES);
  if (large !== undefined) {
    throw new AppError(
      'too_large',
      `Expected images of at most ${config.UMBRA_MAX_IMAGE_BYTES} bytes, got ${large.bytes} for '${large.name}'`,
    );
  }
  const lines = files.map((file) => `${JSON.stringify(file)}\n`).join('');
  const source = await sourceOf(context, tenant, id, lines);
  const reserved = {
    images: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
  };
  await reservePart(context, tenant, id, source, reserved);
  await store.put(keys.sourceLines(tenant, id, source), lines);
  await addSource(context, tenant, id, source, {
    version: 1,
    kind: 'lines',
    isUpload: true,
    reserved,
    labels: null,
  });
  const answers: z.output<typeof presignedUpload>[] = [];
  const atOnce = 16;
  for (let start = 0; start < files.length; start += atOnce) {
    const some = files.slice(start, start + atOnce);
    answers.push(...(await Promise.all(some.map((file) => presign(context, tenant, id, file)))));
  }
  return answers;
}

/** @returns The source of the same lines, if there is one, and else a new one's id. */
async function sourceOf(
  { store }: ApiServices,
  tenant: string,
  id: string,
  lines: string,
): Promise<string> {
  const digest = createHash('sha256').update(lines).digest('hex').slice(0, 12);
  for await (const { key } of store.list(keys.sources(tenant, id))) {
    const { source: name } = parseKey('source', key);
    if (name.endsWith(`-${digest}`)) return name;
  }
  return `${newStreamId().slice(0, 14)}-${digest}`;
}

/** @throws {AppError} `quota_exceeded` */
async function reservePart(
  { readTenant, usage }: ApiServices,
  tenant: string,
  id: string,
  part: string,
  stored: Stored,
): Promise<void> {
  const { quotas } = await readTenant(tenant);
  await usage.reserveDataset(tenant, quotas, `${id}.${part}`, stored);
}

async function presign(
  { store }: ApiServices,
  tenant: string,
  id: string,
  { name, bytes, sha256 }: Files[number],
): Promise<z.output<typeof presignedUpload>> {
  const key = keys.image(tenant, id, sha256);
  if ((await store.head(key))?.bytes === bytes) return { name, sha256, url: null, headers: {} };
  const signed = await store.presignPut?.(key, { expiresSeconds, bytes, sha256 });
  return { name, sha256, url: signed?.url ?? null, headers: { ...signed?.headers } };
}

type Upload = z.output<typeof archiveUpload>;

/** @throws {AppError} `too_large`; `quota_exceeded`: its bytes count from here on. */
export async function beginArchive(
  context: ApiServices,
  tenant: string,
  dataset: string,
  { format, bytes, labels }: z.output<typeof archiveRequest>,
): Promise<Upload> {
  const limit = context.config.UMBRA_MAX_UPLOAD_BYTES;
  if (bytes > limit) {
    throw new AppError('too_large', `Expected an archive of at most ${limit} bytes, got ${bytes}`);
  }
  const id = newStreamId();
  const source: DatasetSource = {
    ...{ version: 1, kind: 'archive', format, bytes, labels: labels ?? null },
  };
  await reservePart(context, tenant, dataset, id, reservedFor(source));
  await addSource(context, tenant, dataset, id, source);
  return { id, format, bytes, offset: 0 };
}

/** @throws {AppError} `not_found` */
export async function findArchive(
  { store }: ApiServices,
  tenant: string,
  dataset: string,
  id: string,
): Promise<Upload> {
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
 * Take a part of an archive. What has come of a request that breaks off is kept.
 *
 * @returns The offset where the next part begins.
 * @throws {AppError} `conflict` with the right offset, if the part begins elsewhere.
 */
export async function appendPart(
  context: ApiServices,
  tenant: string,
  dataset: string,
  upload: Upload,
  request: Request,
): Promise<number> {
  const { store } = context;
  const given = request.get('upload-offset') ?? '';
  if (!/^\d{1,15}$/.test(given)) throw invalidInput('Expected Upload-Offset: a number of bytes');
  if (Number(given) !== upload.offset) {
    throw new ProblemError('conflict', `Expected Upload-Offset ${upload.offset}, got ${given}`, {
      headers: { 'Upload-Offset': String(upload.offset) },
    });
  }
  const place = { store, tenant, dataset, source: upload.id };
  const offset = await putParts(place, request, upload.offset, upload.bytes);
  // A dataset that was closed meanwhile takes nothing.
  await findOpen(context, tenant, dataset);
  return offset;
}

export async function dropArchive(
  { store, usage }: ApiServices,
  tenant: string,
  dataset: string,
  id: string,
): Promise<void> {
  await store.delete(keys.source(tenant, dataset, id));
  const parts = keys.parts(tenant, dataset, id);
  for await (const { key } of store.list(parts)) await store.delete(key);
  await releaseQuietly(usage.releaseDataset(tenant, `${dataset}.${id}`));
}
