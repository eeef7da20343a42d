import { beginReport, enqueueReport, enqueueTrial } from '@umbra/platform/queues/enqueue';
import type { Reference } from '@umbra/shared/contracts/reference';
import { withinQueueTimeout } from '../http/queue-timeout.js';
import type { ApiServices } from '../services.js';

export type ReportQueueServices = Pick<ApiServices, 'reportQueue' | 'trialQueue' | 'logger'>;

/**
 * Queue a job's report. While the queue is down, workers find its marker in the store.
 *
 * @param isNew Whether it was not asked for before: it does not wait for more images then.
 */
export async function queueReport(
  { reportQueue, logger }: ReportQueueServices,
  job: Reference,
  isNew: boolean,
): Promise<void> {
  const queued = async () => {
    await enqueueReport(reportQueue, job);
    if (isNew) await beginReport(reportQueue, job);
  };
  await withinQueueTimeout(queued()).catch((error: unknown) => {
    logger.warn({ jobId: job.id, reason: String(error) }, 'report not queued, left to its marker');
  });
}

/** Queue a trial. While the queue is down, workers find its marker in the store. */
export async function queueTrial(
  { trialQueue, logger }: ReportQueueServices,
  job: Reference,
  trial: string,
): Promise<void> {
  await withinQueueTimeout(enqueueTrial(trialQueue, job, trial)).catch((error: unknown) => {
    logger.warn(
      { jobId: job.id, trial, reason: String(error) },
      'trial not queued, left to its marker',
    );
  });
}
