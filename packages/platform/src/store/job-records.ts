import type { Dataset } from '@umbra/shared/contracts/dataset';
import { isFinal, type JobRecord, storedJob } from '@umbra/shared/contracts/job';
import { AppError, hasCode } from '@umbra/shared/errors';
import { getJson } from './json.js';
import { matchKey } from './key-layout.js';
import { keys } from './keys.js';
import type { ObjectStore } from './store.js';

/**
 * Delete a job with its results and archive; its dataset stays, unless it was made for this job alone.
 *
 * @throws {AppError} `conflict` while it runs.
 */
export async function deleteJob(store: ObjectStore, tenant: string, job: JobRecord): Promise<void> {
  if (!isFinal(job.state)) {
    throw new AppError('conflict', `Job '${job.id}' is ${job.state}: cancel it first`);
  }
  if (job.interactive) {
    const { dataset } = job;
    await deleteAll(store, keys.datasetFiles(tenant, dataset), keys.dataset(tenant, dataset));
  }
  await deleteAll(store, keys.jobFiles(tenant, job.id), keys.job(tenant, job.id));
}

/**
 * Delete a dataset with its images. Results of jobs that have ended stay.
 *
 * @throws {AppError} `conflict` while a job reads it.
 */
export async function deleteDataset(
  store: ObjectStore,
  tenant: string,
  dataset: Pick<Dataset, 'id' | 'createdAt'>,
): Promise<void> {
  const { id } = dataset;
  for await (const { key } of store.list(keys.activeJobs(tenant))) {
    const marked = matchKey('activeJob', key);
    const job = marked && (await findJobRecord(store, tenant, marked.id));
    if (job?.dataset === id && !isFinal(job.state)) {
      throw new AppError('conflict', `Dataset '${id}' is read by job '${job.id}': cancel it first`);
    }
  }
  await removeDataset(store, tenant, dataset);
}

/** Delete a dataset with all that it holds, whoever reads it. */
export async function removeDataset(
  store: ObjectStore,
  tenant: string,
  dataset: Pick<Dataset, 'id' | 'createdAt'>,
): Promise<void> {
  await store.delete(keys.dataset(tenant, dataset.id));
  await store.delete(keys.datasetEntry(tenant, dataset));
  await store.delete(keys.ingest(tenant, dataset.id));
  await deleteAll(store, keys.datasetFiles(tenant, dataset.id), keys.dataset(tenant, dataset.id));
}

/** @returns null where there is no such job. */
export async function findJobRecord(
  store: ObjectStore,
  tenant: string,
  id: string,
): Promise<JobRecord | null> {
  return getJson(store, keys.job(tenant, id), storedJob).catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });
}

/** The description first: what is half deleted is no longer found. */
export async function deleteAll(
  store: ObjectStore,
  prefix: string,
  description: string,
): Promise<void> {
  await store.delete(description);
  for await (const { key } of store.list(prefix)) await store.delete(key);
}
