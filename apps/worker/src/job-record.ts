import {
  type ErrorReport,
  getJson,
  type JobRecord,
  keys,
  type ObjectStore,
  putJson,
  storedJob,
} from '@umbra/shared';

export const readJob = (store: ObjectStore, tenant: string, id: string): Promise<JobRecord> =>
  getJson(store, keys.job(tenant, id), storedJob);

/** Replace the record. Only the holder of the job's dispatch or archive lock writes it. */
export async function writeJob(
  store: ObjectStore,
  tenant: string,
  job: JobRecord,
  changes: Partial<JobRecord>,
): Promise<JobRecord> {
  const next = { ...job, ...changes };
  await putJson(store, keys.job(tenant, job.id), next);
  return next;
}

/** End a job that cannot go on. Finished images stay. */
export async function failJob(
  store: ObjectStore,
  tenant: string,
  id: string,
  error: ErrorReport,
): Promise<void> {
  const job = await readJob(store, tenant, id);
  await writeJob(store, tenant, job, {
    state: 'failed',
    failedAt: new Date().toISOString(),
    error,
  });
  await store.delete(keys.activeJob(tenant, id));
}
