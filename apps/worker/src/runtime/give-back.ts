import { DelayedError, type Job } from 'bullmq';

/**
 * Give a queue job back, so that any worker runs it after a delay. No attempt is used. The delay is told
 * by the clock of Redis, as `PatientWorker` sees to.
 *
 * @param token Of the lock that this process holds on the job.
 * @throws {DelayedError} Always: BullMQ neither completes nor fails the job.
 */
export async function giveBack(job: Job, token: string, delayMs = 0): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token);
  throw new DelayedError();
}
