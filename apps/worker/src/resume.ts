import {
  defaultTenant,
  keys,
  patientJob,
  queueJobIds,
  queueNames,
  reportError,
} from '@umbra/shared';
import type { Context } from './context.js';

/** Look for unfinished jobs now and then. @returns A function that stops it. */
export function keepResuming(context: Context): () => void {
  let isBusy = false;
  const look = async () => {
    if (isBusy) return;
    isBusy = true;
    try {
      await resumeJobs(context);
    } catch (error) {
      context.logger.warn({ error: reportError(error) }, 'unfinished jobs could not be looked for');
    } finally {
      isBusy = false;
    }
  };
  const timer = setInterval(look, context.config.UMBRA_RESUME_MS);
  return () => clearInterval(timer);
}

/**
 * Queue every job that is not final and not queued: Redis was lost, or a step gave up while the
 * store was away.
 */
export async function resumeJobs({ store, dispatchQueue, logger }: Context): Promise<void> {
  const tenant = defaultTenant;
  for await (const { key } of store.list(keys.activeJobs(tenant))) {
    const jobId = key.split('/').at(-1) ?? '';
    if ((await dispatchQueue.getJob(queueJobIds.dispatch(jobId))) !== undefined) continue;
    await dispatchQueue.add(
      queueNames.dispatch,
      { version: 1, tenant, jobId },
      { ...patientJob, jobId: queueJobIds.dispatch(jobId) },
    );
    logger.info({ jobId }, 'unfinished job found');
  }
}
