import { isFinal, type JobRecord, storedJob } from '@umbra/shared/contracts/job';
import { AppError } from '@umbra/shared/errors';
import { deleteAll } from './delete-all.js';
import { findJson } from './json.js';
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
    await deleteAll(store, keys.datasetFiles(tenant, dataset), {
      description: keys.dataset(tenant, dataset),
      marker: keys.deletedDataset(tenant, dataset),
    });
  }
  await deleteAll(store, keys.jobFiles(tenant, job.id), {
    description: keys.job(tenant, job.id),
    marker: keys.deletedJob(tenant, job.id),
    facts: { createdAt: job.createdAt },
    entry: keys.jobEntry(tenant, job),
  });
}

/** Put a job's entry into the index, before its record: lists skip an entry without a record. */
export const putJobEntry = (
  store: ObjectStore,
  tenant: string,
  job: Pick<JobRecord, 'id' | 'createdAt'>,
): Promise<void> => store.put(keys.jobEntry(tenant, job), '');

/** @returns null where there is no such job. */
export const findJobRecord = (
  store: ObjectStore,
  tenant: string,
  id: string,
): Promise<JobRecord | null> => findJson(store, keys.job(tenant, id), storedJob);
