import {
  type ErrorReport,
  getJson,
  type JobRecord,
  keys,
  type ObjectStore,
  putJson,
  storedJob,
} from '@umbra/shared';
import type { Context } from './context.js';

/** What writing a record takes: a new state is told to those who follow the job. */
export type Recorder = Pick<Context, 'store' | 'announce'>;

export const readJob = (store: ObjectStore, tenant: string, id: string): Promise<JobRecord> =>
  getJson(store, keys.job(tenant, id), storedJob);

/** Replace the record. Only the holder of the job's dispatch or archive lock writes it. */
export async function writeJob(
  { store, announce }: Recorder,
  tenant: string,
  job: JobRecord,
  changes: Partial<JobRecord>,
): Promise<JobRecord> {
  const next = { ...job, ...changes };
  await putJson(store, keys.job(tenant, job.id), next);
  if (next.state !== job.state) await announce(tenant, next);
  return next;
}

/** End a job that cannot go on. Finished images stay. */
export async function failJob(
  recorder: Recorder,
  tenant: string,
  id: string,
  error: ErrorReport,
): Promise<void> {
  const job = await readJob(recorder.store, tenant, id);
  await writeJob(recorder, tenant, job, {
    state: 'failed',
    failedAt: new Date().toISOString(),
    error,
  });
  await recorder.store.delete(keys.activeJob(tenant, id));
}
