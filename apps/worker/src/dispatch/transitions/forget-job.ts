import { keys } from '@umbra/platform/store/keys';
import { isFinal } from '@umbra/shared/contracts/job';
import { cleanUp, endedAtMs, type JobEndServices, readJob } from '../../jobs/job-record.js';
import { type LoadedJob, lookLater, resetTrackedJob } from '../tracked-job.js';

/** Time after which the end of a job counts as interrupted. */
const interruptedMs = 60_000;

/**
 * Stop tracking a job that is final here, unless it was started again; clean up after an end that was
 * interrupted.
 *
 * @returns Whether it can be forgotten.
 */
export async function forgetJob(services: JobEndServices, tracked: LoadedJob): Promise<boolean> {
  const { store, progress } = services;
  const { tenant, jobId } = tracked;
  const job = await readJob(store, { tenant, id: jobId });
  const endedMs = endedAtMs(job);
  if (endedMs === null || !isFinal(job.state)) {
    resetTrackedJob(tracked, job);
    return false;
  }
  if ((await store.head(keys.activeJob(tenant, jobId))) !== null) {
    if (Date.now() - endedMs < interruptedMs) {
      lookLater(tracked, endedMs, Date.now());
      return false;
    }
    await cleanUp(services, { tenant, job }, job.state);
  }
  await progress.unregister(jobId);
  return true;
}
