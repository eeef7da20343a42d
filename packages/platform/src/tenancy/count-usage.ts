import {
  type Dataset,
  datasetSource,
  reservedFor,
  storedDataset,
} from '@umbra/shared/contracts/dataset';
import { isFinal, type JobRecord, storedJob } from '@umbra/shared/contracts/job';
import { hasCode } from '@umbra/shared/errors';
import type { z } from 'zod';
import { getJson } from '../store/json.js';
import { matchKey, parseKey } from '../store/key-layout.js';
import { keys, segmentOfKey } from '../store/keys.js';
import { listFolders } from '../store/list-folders.js';
import type { ObjectStore } from '../store/store.js';

/** Part of a dataset's booking that counts it as open; requests and sources have ids for theirs. */
export const openPartOf = (dataset: string): string => `${dataset}.open`;

/** What a dataset or job takes, in the order in which it is booked. */
export type Counted = {
  readonly id: string;
  readonly amounts: readonly number[];
  /** Whether the amounts are lower bounds, because the work has not ended. */
  readonly grows?: boolean;
};

/** Positions of an image of which it is not known yet, its size deciding it. */
const assumedPositions = 200;

/** What a job takes of the positions in flight until it ends. */
export const positionsOf = ({
  positionsPerImage,
  counts,
}: Pick<JobRecord, 'positionsPerImage' | 'counts'>): number =>
  (positionsPerImage ?? assumedPositions) * counts.total;

/** Every dataset of a tenant, or its parts where it is not ready; uploads that go on are none yet. */
export async function* countDatasets(store: ObjectStore, tenant: string): AsyncGenerator<Counted> {
  for await (const id of listFolders(store, keys.datasets(tenant))) {
    const found = await readIfThere(store, keys.dataset(tenant, id), storedDataset);
    if (found?.state === 'ready') yield { id, amounts: [found.images, found.bytes, 0] };
    // One that failed takes its place in the store until it is deleted.
    else if (found !== null) yield* countParts(store, tenant, found);
  }
}

/** What each request and source has given of a dataset, or was promised. */
async function* countParts(
  store: ObjectStore,
  tenant: string,
  { id, state }: Dataset,
): AsyncGenerator<Counted> {
  if (state !== 'failed') yield { id: openPartOf(id), amounts: [0, 0, 1] };
  const parts = new Map<string, { images: number; bytes: number }>();
  for await (const { key } of store.list(keys.segments(tenant, id))) {
    const { stream, images, bytes } = segmentOfKey(key);
    const sum = parts.get(stream) ?? { images: 0, bytes: 0 };
    parts.set(stream, { images: sum.images + images, bytes: sum.bytes + bytes });
  }
  for await (const { key } of store.list(keys.sources(tenant, id))) {
    const source = await readIfThere(store, key, datasetSource);
    if (source === null) continue;
    const { source: stream } = parseKey('source', key);
    const { images, bytes } = reservedFor(source);
    const sum = parts.get(stream) ?? { images: 0, bytes: 0 };
    const larger = { images: Math.max(sum.images, images), bytes: Math.max(sum.bytes, bytes) };
    parts.set(stream, larger);
  }
  for (const [stream, { images, bytes }] of parts) {
    yield { id: `${id}.${stream}`, amounts: [images, bytes, 0], grows: state !== 'failed' };
  }
}

/** Every job of a tenant that has not ended. */
export async function* countJobs(store: ObjectStore, tenant: string): AsyncGenerator<Counted> {
  for await (const { key } of store.list(keys.activeJobs(tenant))) {
    const marked = matchKey('activeJob', key);
    if (marked === null) continue;
    const { id } = marked;
    const job = await readIfThere(store, keys.job(tenant, id), storedJob);
    if (job !== null && !isFinal(job.state)) yield { id, amounts: [positionsOf(job), 1] };
  }
}

/** An upload says what it takes as it grows; one that says nothing for this long has died. */
const uploadMs = 3600 * 1000;
/** Limit for the time from the booking of a job to its record. */
const creationMs = 60 * 1000;

/**
 * Whether what is booked of a dataset and was not counted is not to be counted any more: it will not come,
 * or it is a part of a dataset that is complete, and that was counted as a whole.
 */
export async function isDatasetGone(
  store: ObjectStore,
  tenant: string,
  field: string,
  ageMs: number,
): Promise<boolean> {
  const [id = ''] = field.split('.');
  const found = await readIfThere(store, keys.dataset(tenant, id), storedDataset);
  return found === null ? ageMs > uploadMs : found.state === 'ready' || found.state === 'failed';
}

/** Whether a job that is booked and was not counted has ended, or was never made. */
export async function isJobGone(
  store: ObjectStore,
  tenant: string,
  id: string,
  ageMs: number,
): Promise<boolean> {
  const job = await readIfThere(store, keys.job(tenant, id), storedJob);
  return job === null ? ageMs > creationMs : isFinal(job.state);
}

async function readIfThere<T extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: T,
): Promise<z.output<T> | null> {
  try {
    return await getJson(store, key, schema);
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  }
}
