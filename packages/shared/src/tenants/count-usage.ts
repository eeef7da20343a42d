import type { z } from 'zod';
import { storedDataset } from '../contracts/dataset.js';
import { isFinal, type JobRecord, storedJob } from '../contracts/job.js';
import { hasCode } from '../errors.js';
import { getJson } from '../store/json.js';
import { keys } from '../store/keys.js';
import { listFolders } from '../store/list-folders.js';
import type { ObjectStore } from '../store/store.js';

/** What a dataset or job takes, in the order in which it is booked. */
export type Counted = { readonly id: string; readonly amounts: readonly number[] };

/** Positions of an image of which it is not known yet, its size deciding it. */
const assumedPositions = 200;

/** What a job takes of the positions in flight until it ends. */
export const positionsOf = ({
  positionsPerImage,
  counts,
}: Pick<JobRecord, 'positionsPerImage' | 'counts'>): number =>
  (positionsPerImage ?? assumedPositions) * counts.total;

/** Every dataset of a tenant; those of uploads that go on are none yet. */
export async function* countDatasets(store: ObjectStore, tenant: string): AsyncGenerator<Counted> {
  for await (const id of listFolders(store, keys.datasets(tenant))) {
    const found = await readIfThere(store, keys.dataset(tenant, id), storedDataset);
    // The parts of one that is open are booked, each by itself.
    if (found?.state === 'ready') yield { id, amounts: [found.images, found.bytes] };
  }
}

/** Every job of a tenant that has not ended. */
export async function* countJobs(store: ObjectStore, tenant: string): AsyncGenerator<Counted> {
  for await (const { key } of store.list(keys.activeJobs(tenant))) {
    const id = key.slice(keys.activeJobs(tenant).length);
    const job = await readIfThere(store, keys.job(tenant, id), storedJob);
    if (job !== null && !isFinal(job.state)) yield { id, amounts: [positionsOf(job)] };
  }
}

/** An upload says what it takes as it grows; one that says nothing for this long has died. */
const uploadMs = 3600 * 1000;
/** From the booking of a job to its record. */
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
