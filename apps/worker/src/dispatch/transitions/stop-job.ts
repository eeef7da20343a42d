import type { Ending } from '@umbra/shared/contracts/job';
import { writeJob } from '../../jobs/job-record.js';
import type { JobStateServices } from '../../jobs/publish-events.js';
import type { WorkerServices } from '../../services.js';
import { type LoadedJob, resetTrackedJob } from '../tracked-job.js';

export type StopServices = JobStateServices & Pick<WorkerServices, 'progress'>;

/** Stop a job's running work before it ends; finished images stay. */
export async function stopJob(
  services: StopServices,
  tracked: LoadedJob,
  ending: Ending,
): Promise<void> {
  const { job } = tracked;
  // The reason first: without it another dispatcher would take the stop for a user's cancellation.
  const next = await writeJob(services, tracked, {
    state: 'cancelling',
    cancellingAt: ending.requestedAt,
    ending,
  });
  if (next.state !== 'cancelling') return resetTrackedJob(tracked, next);
  await services.progress.cancel(job.id);
  tracked.job = next;
}
