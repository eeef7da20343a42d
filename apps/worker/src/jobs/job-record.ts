import { getJson, putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type FinalState, isFinal, type JobRecord, storedJob } from '@umbra/shared/contracts/job';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { ErrorReport } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';
import { countStored } from './count-stored.js';
import { drainRows } from './drain-rows.js';
import { type JobStateServices, publishJobState } from './publish-events.js';

/** A job's record as this process knows it, and the tenant that owns it. */
export type TenantJob = { readonly tenant: string; readonly job: JobRecord };

/** How a job ended: its final counts, and the reason if it failed. */
export type JobEnd = { readonly state: FinalState } & Partial<Pick<JobRecord, 'counts' | 'error'>>;

/** What ending a job takes. */
export type JobEndServices = JobStateServices &
  Pick<WorkerServices, 'progress' | 'usage' | 'metrics' | 'logger'>;

export const readJob = (store: ObjectStore, { tenant, id }: Reference): Promise<JobRecord> =>
  getJson(store, keys.job(tenant, id), storedJob);

/**
 * Replace the record. Only the holder of the dispatcher's lock or of the archive's writes it.
 *
 * @returns The stored record, without the changes where the job has ended or was started again
 *   meanwhile: `job` is then out of date.
 */
export async function writeJob(
  services: JobStateServices,
  { tenant, job }: TenantJob,
  changes: Partial<JobRecord>,
): Promise<JobRecord> {
  const { store } = services;
  const stored = await readJob(store, { tenant, id: job.id });
  if (isFinal(stored.state) || stored.attempt !== job.attempt) return stored;
  const next = { ...job, ...changes };
  await putJson(store, keys.job(tenant, job.id), next);
  if (next.state !== job.state) await publishJobState(services, tenant, next);
  return next;
}

const endFields = {
  completed: 'completedAt',
  failed: 'failedAt',
  cancelled: 'cancelledAt',
  expired: 'expiredAt',
} as const satisfies Record<FinalState, keyof JobRecord>;

/** When a job ended, ms since the epoch; null if it has not. */
export const endedAtMs = (job: JobRecord): number | null =>
  isFinal(job.state) ? Date.parse(job[endFields[job.state]] ?? job.createdAt) : null;

/**
 * End a job: the one place where it becomes final. Finished images stay. Safe to repeat.
 *
 * @returns The stored record.
 */
export async function endJob(
  services: JobEndServices,
  { tenant, job }: TenantJob,
  end: JobEnd,
): Promise<JobRecord> {
  const { store, logger } = services;
  const stored = await readJob(store, { tenant, id: job.id });
  if (stored.attempt !== job.attempt) return stored;
  if (isFinal(stored.state)) {
    await cleanUp(services, { tenant, job: stored }, stored.state);
    return stored;
  }
  // Before its record: who finds it ended finds all of its rows in the store.
  await drainRows(services, { tenant, id: job.id });
  const now = new Date();
  if (job.keepResultsSeconds !== null) {
    const deleteAt = new Date(now.getTime() + job.keepResultsSeconds * 1000);
    await store.put(keys.retention(deleteAt, tenant, job.id), '');
  }
  const ended = { ...job, ...end, [endFields[end.state]]: now.toISOString() };
  await putJson(store, keys.job(tenant, job.id), ended);
  logger.info({ jobId: job.id, ...ended.counts }, `job ${end.state}`);
  await cleanUp(services, { tenant, job: ended }, end.state);
  return ended;
}

/**
 * Publish a job's end and release all that it needed to run. Its marker is deleted last: until then an
 * interrupted clean-up is repeated, and the job is not started again.
 */
export async function cleanUp(
  services: JobEndServices,
  { tenant, job }: TenantJob,
  state: FinalState,
): Promise<void> {
  const { store, progress, usage, metrics } = services;
  metrics.recordJobEnd(state);
  await publishJobState(services, tenant, job);
  // Rows of merges that ended after the record was written: a retry has them, and an index made from here on.
  do await drainRows(services, { tenant, id: job.id });
  while (!(await progress.remove(job.id)));
  await usage.releaseJob(tenant, job.id);
  await store.delete(keys.activeJob(tenant, job.id));
}

/** Fail a job that cannot continue, and stop its running work. It keeps its counts, as the store has them. */
export async function failJob(
  services: JobEndServices,
  { tenant, id }: Reference,
  error: ErrorReport,
): Promise<void> {
  const job = await readJob(services.store, { tenant, id });
  await services.progress.cancel(id);
  const counts = await countStored(services.store, { tenant, job });
  await endJob(services, { tenant, job }, { state: 'failed', counts, error });
}
