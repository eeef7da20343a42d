import { deleteJob, findJobRecord } from '@umbra/platform/store/job-records';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { Reference } from '@umbra/shared/contracts/reference';
import { reportError } from '@umbra/shared/errors';
import { endedAtMs } from '../jobs/job-record.js';
import type { WorkerServices } from '../services.js';

export type RetentionServices = Pick<WorkerServices, 'store' | 'usage' | 'logger'>;

/** Delete the jobs whose retention time is over. */
export async function sweepRetention(services: RetentionServices): Promise<void> {
  const { store, logger } = services;
  for await (const { key } of store.list(keys.retentions())) {
    const marked = matchKey('retention', key);
    if (marked === null) continue;
    const { deleteAt, tenant, id: jobId } = marked;
    // In ascending order: what follows is kept for longer.
    if (Date.parse(deleteAt) > Date.now()) return;
    try {
      await deleteExpired(services, { tenant, id: jobId });
      await store.delete(key);
    } catch (error) {
      // One that cannot be deleted does not keep the others.
      logger.warn({ jobId, error: reportError(error) }, 'results not deleted');
    }
  }
}

async function deleteExpired(
  { store, usage, logger }: RetentionServices,
  { tenant, id: jobId }: Reference,
): Promise<void> {
  const job = await findJobRecord(store, tenant, jobId);
  const endedMs = job === null ? null : endedAtMs(job);
  if (job === null || endedMs === null || job.keepResultsSeconds === null) return;
  // It was started again since, and its last end has a marker of its own.
  if (endedMs + job.keepResultsSeconds * 1000 > Date.now()) return;
  await deleteJob(store, tenant, job);
  // An interactive job's dataset is deleted with it.
  if (job.interactive) await usage.releaseDataset(tenant, job.dataset);
  logger.info({ jobId }, 'results deleted after retention');
}
