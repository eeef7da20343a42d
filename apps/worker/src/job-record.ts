import {
  type ErrorReport,
  type FinalState,
  getJson,
  type JobRecord,
  keys,
  type ObjectStore,
  putJson,
  storedJob,
} from '@umbra/shared';
import type { Context } from './context.js';

export const readJob = (store: ObjectStore, tenant: string, id: string): Promise<JobRecord> =>
  getJson(store, keys.job(tenant, id), storedJob);

/** Replace the record. Only the holder of the dispatcher's lock or of the archive's writes it. */
export async function writeJob(
  { store, announce }: Context,
  tenant: string,
  job: JobRecord,
  changes: Partial<JobRecord>,
): Promise<JobRecord> {
  const next = { ...job, ...changes };
  await putJson(store, keys.job(tenant, job.id), next);
  if (next.state !== job.state) await announce(tenant, next);
  return next;
}

const timeOf = {
  completed: 'completedAt',
  failed: 'failedAt',
  cancelled: 'cancelledAt',
  expired: 'expiredAt',
} as const satisfies Record<FinalState, keyof JobRecord>;

/**
 * End a job: the one place where it becomes final. Finished images stay.
 *
 * @param given Its last counts, and why it failed.
 */
export async function endJob(
  context: Context,
  tenant: string,
  job: JobRecord,
  state: FinalState,
  given: Partial<Pick<JobRecord, 'counts' | 'error'>> = {},
): Promise<JobRecord> {
  const { store, progress, usage } = context;
  const now = new Date();
  if (job.keepResultsSeconds !== null) {
    const deleteAt = new Date(now.getTime() + job.keepResultsSeconds * 1000);
    await store.put(keys.retention(deleteAt, tenant, job.id), '');
  }
  const ended = await writeJob(context, tenant, job, {
    ...{ state, [timeOf[state]]: now.toISOString() },
    ...given,
  });
  await store.delete(keys.activeJob(tenant, job.id));
  await progress.remove(job.id);
  await usage.releaseJob(tenant, job.id);
  context.logger.info({ jobId: job.id, ...ended.counts }, `job ${state}`);
  return ended;
}

/** End a job that cannot go on. */
export async function failJob(
  context: Context,
  tenant: string,
  id: string,
  error: ErrorReport,
): Promise<void> {
  const job = await readJob(context.store, tenant, id);
  await endJob(context, tenant, job, 'failed', { error });
}
