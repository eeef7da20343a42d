import { deleteJob, findJobRecord } from '@umbra/platform/store/delete';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { reportError } from '@umbra/shared/errors';
import { endedAtMs } from '../jobs/job-record.js';
import type { WorkerServices } from '../services.js';

/** Delete jobs whose results have been kept for as long as was asked. */
export async function sweepRetention(services: WorkerServices): Promise<void> {
  const { store, logger } = services;
  for await (const { key } of store.list(keys.retentions())) {
    const marked = matchKey('retention', key);
    if (marked === null) continue;
    const { deleteAt, tenant, id: jobId } = marked;
    // In ascending order: what follows is kept for longer.
    if (Date.parse(deleteAt) > Date.now()) return;
    try {
      await deleteKept(services, tenant, jobId);
      await store.delete(key);
    } catch (error) {
      // One that cannot be deleted keeps none of the others.
      logger.warn({ jobId, error: reportError(error) }, 'results could not be deleted');
    }
  }
}

async function deleteKept(
  { store, usage, logger }: WorkerServices,
  tenant: string,
  jobId: string,
): Promise<void> {
  const job = await findJobRecord(store, tenant, jobId);
  const endedMs = job === null ? null : endedAtMs(job);
  if (job === null || endedMs === null) return;
  // It was begun again since, and its last end has a mark of its own.
  if (endedMs + (job.keepResultsSeconds ?? 0) * 1000 > Date.now()) return;
  await deleteJob(store, tenant, job);
  // The dataset of an image that somebody waited for goes with it.
  if (job.interactive) await usage.releaseDataset(tenant, job.dataset);
  logger.info({ jobId }, 'results deleted at the end of their time');
}
