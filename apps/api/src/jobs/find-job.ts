import { findJobRecord } from '@umbra/platform/store/job-records';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { notFound } from '@umbra/shared/errors';
import type { ApiServices } from '../services.js';

/** Read a job's record. @throws {AppError} `not_found` */
export async function findJob(
  { store }: Pick<ApiServices, 'store'>,
  tenant: string,
  id: string,
): Promise<JobRecord> {
  const job = await findJobRecord(store, tenant, id);
  if (job === null) throw notFound(`Unknown job '${id}'`);
  return job;
}

type PolledJobs = Pick<ApiServices, 'store' | 'polledJobs'>;

/** Read a job's record for a poll: many polls within a fraction of a second share one read. */
export async function findPolledJob(
  { store, polledJobs }: PolledJobs,
  tenant: string,
  id: string,
): Promise<JobRecord> {
  const name = polledName(tenant, id);
  const known = polledJobs.get(name);
  if (known !== undefined) return known;
  const sinceMs = performance.now();
  const job = await findJob({ store }, tenant, id);
  polledJobs.set(name, job, sinceMs);
  return job;
}

/** Drop the record that polls share, after it was changed or deleted. */
export function forgetPolledJob(
  { polledJobs }: Pick<PolledJobs, 'polledJobs'>,
  tenant: string,
  id: string,
): void {
  polledJobs.delete(polledName(tenant, id));
}

const polledName = (tenant: string, id: string): string => `${tenant} ${id}`;
