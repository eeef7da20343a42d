import { findJobRecord } from '@umbra/platform/store/job-records';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { notFound } from '@umbra/shared/errors';

/** Read a job's record. @throws {AppError} `not_found` */
export async function findJob(
  { store }: { readonly store: ObjectStore },
  tenant: string,
  id: string,
): Promise<JobRecord> {
  const job = await findJobRecord(store, tenant, id);
  if (job === null) throw notFound(`Unknown job '${id}'`);
  return job;
}
