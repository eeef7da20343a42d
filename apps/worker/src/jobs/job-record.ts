import { getJson, putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type FinalState, isFinal, type JobRecord, storedJob } from '@umbra/shared/contracts/job';
import type { ErrorReport } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';

export const readJob = (store: ObjectStore, tenant: string, id: string): Promise<JobRecord> =>
  getJson(store, keys.job(tenant, id), storedJob);

/**
 * Replace the record. Only the holder of the dispatcher's lock or of the archive's writes it.
 *
 * @returns The record as it is now: another one than was asked for where the job has ended meanwhile,
 *   or was begun again. What is known of it here is out of date then.
 */
export async function writeJob(
  { store, publishJobState }: WorkerServices,
  tenant: string,
  job: JobRecord,
  changes: Partial<JobRecord>,
): Promise<JobRecord> {
  const stored = await readJob(store, tenant, job.id);
  if (isFinal(stored.state) || stored.attempt !== job.attempt) return stored;
  const next = { ...job, ...changes };
  await putJson(store, keys.job(tenant, job.id), next);
  if (next.state !== job.state) await publishJobState(tenant, next);
  return next;
}

const timeOf = {
  completed: 'completedAt',
  failed: 'failedAt',
  cancelled: 'cancelledAt',
  expired: 'expiredAt',
} as const satisfies Record<FinalState, keyof JobRecord>;

/** null of a job that has not ended. */
export const endedAtMs = (job: JobRecord): number | null =>
  isFinal(job.state) ? Date.parse(job[timeOf[job.state]] ?? job.createdAt) : null;

/**
 * End a job: the one place where it becomes final. Finished images stay. Safe to repeat.
 *
 * @param given Its last counts, and why it failed.
 */
export async function endJob(
  services: WorkerServices,
  tenant: string,
  job: JobRecord,
  state: FinalState,
  given: Partial<Pick<JobRecord, 'counts' | 'error'>> = {},
): Promise<JobRecord> {
  const { store } = services;
  const stored = await readJob(store, tenant, job.id);
  if (stored.attempt !== job.attempt) return stored;
  if (isFinal(stored.state)) {
    await cleanUp(services, tenant, stored);
    return stored;
  }
  const now = new Date();
  if (job.keepResultsSeconds !== null) {
    const deleteAt = new Date(now.getTime() + job.keepResultsSeconds * 1000);
    await store.put(keys.retention(deleteAt, tenant, job.id), '');
  }
  const ended = { ...job, state, [timeOf[state]]: now.toISOString(), ...given };
  await putJson(store, keys.job(tenant, job.id), ended);
  services.logger.info({ jobId: job.id, ...ended.counts }, `job ${state}`);
  await cleanUp(services, tenant, ended);
  return ended;
}

/**
 * Tell of a job's end and let go of all that it needed to run. Its mark goes last: until then this is
 * done again where it was cut off, and the job is not begun again.
 */
export async function cleanUp(
  { store, publishJobState, progress, usage }: WorkerServices,
  tenant: string,
  job: JobRecord,
): Promise<void> {
  await publishJobState(tenant, job);
  await progress.remove(job.id);
  await usage.releaseJob(tenant, job.id);
  await store.delete(keys.activeJob(tenant, job.id));
}

/** End a job that cannot go on; what runs of it is stopped. */
export async function failJob(
  services: WorkerServices,
  tenant: string,
  id: string,
  error: ErrorReport,
): Promise<void> {
  const job = await readJob(services.store, tenant, id);
  await services.progress.cancel(id);
  await endJob(services, tenant, job, 'failed', { error });
}
