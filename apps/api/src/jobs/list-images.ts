import { getJson, readJsonLines } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { type DatasetItem, datasetItem, errorReport } from '@umbra/shared/contracts/dataset';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ImageState, ImageStatus } from '@umbra/shared/contracts/result';
import { AppError, hasCode } from '@umbra/shared/errors';
import { z } from 'zod';
import type { ApiServices } from '../services.js';

/** A page of a list that lies in a manifest. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Byte offset into the manifest; opaque to clients. */
  cursor: z
    .string()
    .transform((text) => Number(Buffer.from(text, 'base64url').toString()))
    .refine((offset) => Number.isSafeInteger(offset) && offset > 0, 'Expected a next_cursor')
    .optional(),
});
export type Page<T> = { readonly data: T[]; readonly next_cursor: string | null };

/** Images looked at for one page of those in a state. */
const scannedAtOnce = 1_000;
const readsAtOnce = 20;

/**
 * A page of a job's images.
 *
 * @param state Only those: then a page may hold fewer than `limit`, even none, and have a next one.
 */
export async function listImages(
  { store }: ApiServices,
  tenant: string,
  job: JobRecord,
  {
    limit,
    cursor,
    state,
  }: z.output<typeof pageQuery> & { readonly state?: ImageState | undefined },
): Promise<Page<ImageStatus>> {
  const manifest = keys.manifest(tenant, job.dataset);
  const statusOf = async ({ id, name }: DatasetItem): Promise<ImageStatus> => ({
    ...{ id, name },
    ...(await imageState(store, tenant, job.id, id)),
  });
  const scanned = state === undefined ? limit : Math.max(limit, scannedAtOnce);
  const { items, next, size } = await readPage(store, manifest, scanned, cursor);
  const data: ImageStatus[] = [];
  let end = cursor ?? 0;
  for (let start = 0; start < items.length && data.length < limit; start += readsAtOnce) {
    const batch = items.slice(start, start + readsAtOnce);
    const found = await Promise.all(batch.map(({ item }) => statusOf(item)));
    for (const [at, status] of found.entries()) {
      if (data.length === limit) break;
      end = batch[at]?.end ?? end;
      if (state === undefined || status.state === state) data.push(status);
    }
  }
  const after = items.length === 0 ? next : end;
  return { data, next_cursor: after < size ? encodeCursor(after) : null };
}

/** A page of a dataset's items. */
export async function listItems(
  { store }: Pick<ApiServices, 'store'>,
  tenant: string,
  dataset: string,
  { limit, cursor }: z.output<typeof pageQuery>,
): Promise<Page<DatasetItem>> {
  const { items, next, size } = await readPage(
    store,
    keys.manifest(tenant, dataset),
    limit,
    cursor,
  );
  const data = items.map(({ item }) => item);
  return { data, next_cursor: next < size ? encodeCursor(next) : null };
}

const encodeCursor = (offset: number): string => Buffer.from(String(offset)).toString('base64url');

type PlacedItem = { readonly item: DatasetItem; readonly end: number };

/** @throws {AppError} `invalid_input` for a cursor that was not given by us. */
async function readPage(
  store: ApiServices['store'],
  key: string,
  limit: number,
  cursor = 0,
): Promise<{ items: PlacedItem[]; next: number; size: number }> {
  const size = (await store.head(key))?.bytes ?? 0;
  const items: PlacedItem[] = [];
  let next = cursor;
  if (cursor >= size) return { items, next, size };
  const { body } = await store.stream(key, { start: cursor, end: size });
  try {
    for await (const { value: item, bytes } of readJsonLines(body, datasetItem)) {
      next += bytes;
      items.push({ item, end: next });
      if (items.length === limit) break;
    }
  } catch (error) {
    // A cursor that we gave starts at a line.
    if (cursor > 0 && hasCode(error, 'integrity')) {
      throw new AppError('invalid_input', 'Expected cursor to be a next_cursor');
    }
    throw error;
  } finally {
    body.destroy();
  }
  return { items, next, size };
}

/** What the store says of one image of a job. */
export async function imageState(
  store: ApiServices['store'],
  tenant: string,
  jobId: string,
  imageId: string,
): Promise<Pick<ImageStatus, 'state' | 'error'>> {
  if ((await store.head(keys.result(tenant, jobId, imageId, 'result.json'))) !== null) {
    return { state: 'completed', error: null };
  }
  try {
    const error = await getJson(store, keys.error(tenant, jobId, imageId), errorReport);
    return { state: 'failed', error };
  } catch (error) {
    if (hasCode(error, 'not_found')) return { state: 'pending', error: null };
    throw error;
  }
}
