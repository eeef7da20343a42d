import { deleteFolder } from '@umbra/platform/store/delete-all';
import { findJobRecord } from '@umbra/platform/store/job-records';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { putMarker } from '@umbra/platform/store/markers';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Dataset } from '@umbra/shared/contracts/dataset';
import { isFinal } from '@umbra/shared/contracts/job';
import { AppError } from '@umbra/shared/errors';

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
  const { id, createdAt } = dataset;
  await putMarker(store, keys.deletedDataset(tenant, id), { createdAt });
  await store.delete(keys.dataset(tenant, id));
  await store.delete(keys.datasetEntry(tenant, dataset));
  await store.delete(keys.ingest(tenant, id));
  await deleteFolder(store, keys.datasetFiles(tenant, id));
}
