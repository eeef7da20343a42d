import { enqueueArchive } from '@umbra/platform/queues/enqueue';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { endJob, type JobEndServices, readJob, writeJob } from '../../jobs/job-record.js';
import type { WorkerServices } from '../../services.js';
import { type LoadedJob, lookLater, resetTrackedJob } from '../tracked-job.js';

export type FinalizeServices = JobEndServices &
  Pick<WorkerServices, 'traces' | 'tracing' | 'archiveQueue'>;

/** Queue a job's archive, whose step ends the job; end a job here that has nothing to archive. */
export async function finalizeJob(services: FinalizeServices, tracked: LoadedJob): Promise<void> {
  const { tenant, job } = tracked;
  if (job.interactive || job.startedAt === null) return endWithoutArchive(services, tracked);
  const finalizingAt = new Date().toISOString();
  const stored =
    job.state === 'finalizing'
      ? await readJob(services.store, { tenant, id: job.id })
      : await writeJob(services, tracked, { state: 'finalizing', finalizingAt });
  // The archive step writes the record from here on, and a user may have started the job again.
  if (stored.state !== 'finalizing' || stored.attempt !== job.attempt)
    return resetTrackedJob(tracked, stored);
  tracked.job = stored;
  // Repeated: an archive that was lost with Redis is queued again.
  await queueArchive(services, tenant, job);
  lookLater(tracked, Date.parse(stored.finalizingAt ?? finalizingAt), Date.now());
}

async function endWithoutArchive(services: FinalizeServices, tracked: LoadedJob): Promise<void> {
  const { job } = tracked;
  const progress = await services.progress.read(job.id);
  // null of a job that never started.
  const { completed, failed } = progress ?? { completed: 0, failed: 0 };
  tracked.job = await endJob(services, tracked, {
    state: job.ending?.state ?? 'completed',
    counts: { total: job.counts.total, completed, failed },
    error: job.ending?.error ?? null,
  });
}

async function queueArchive(
  { traces, tracing, archiveQueue }: FinalizeServices,
  tenant: string,
  job: JobRecord,
): Promise<void> {
  const carrier = await traces.recall(job.id);
  await tracing.within(carrier, () =>
    enqueueArchive(archiveQueue, { tenant, id: job.id, attempt: job.attempt }),
  );
}
