import { defaultTenant, keys, patientJob, queueJobIds, queueNames } from '@umbra/shared';
import type { Context } from './context.js';

/**
 * Queue every job that is not final, for the case that Redis was lost. A job that is still queued
 * keeps its place: the id is the same.
 */
export async function resumeJobs({ store, dispatchQueue, logger }: Context): Promise<void> {
  const tenant = defaultTenant;
  for await (const { key } of store.list(keys.activeJobs(tenant))) {
    const jobId = key.split('/').at(-1) ?? '';
    await dispatchQueue.add(
      queueNames.dispatch,
      { version: 1, tenant, jobId },
      { ...patientJob, jobId: queueJobIds.dispatch(jobId) },
    );
    logger.info({ jobId }, 'unfinished job found');
  }
}
