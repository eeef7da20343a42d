import { enqueueArchive } from '@umbra/platform/queues/enqueue';
import { isFinal } from '@umbra/shared/contracts/job';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { ErrorReport } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';
import { failJob, type JobEndServices, readJob, writeJob } from './job-record.js';

export type StopFailedServices = JobEndServices & Pick<WorkerServices, 'archiveQueue'>;

/**
 * Stop a job that cannot continue. What it has finished is archived first, and the archive's step then
 * ends it as failed; a job that has nothing to archive fails here. Safe to repeat.
 *
 * @returns Whether it has ended.
 */
export async function stopFailed(
  services: StopFailedServices,
  { tenant, id }: Reference,
  error: ErrorReport,
): Promise<boolean> {
  const job = await readJob(services.store, { tenant, id });
  if (isFinal(job.state) || job.startedAt === null || job.interactive) {
    await failJob(services, { tenant, id }, error);
    return true;
  }
  await services.progress.cancel(id);
  if (job.state !== 'finalizing') {
    const requestedAt = new Date().toISOString();
    const ending = job.ending ?? { state: 'failed', requestedAt, error };
    await writeJob(
      services,
      { tenant, job },
      { state: 'finalizing', finalizingAt: requestedAt, ending },
    );
  }
  await enqueueArchive(services.archiveQueue, { tenant, id, attempt: job.attempt });
  return false;
}
