import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { readReportStatus } from '@umbra/platform/store/reports';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { type JobReport, jobReport } from '@umbra/shared/contracts/report';
import { AppError, hasCode, notFound } from '@umbra/shared/errors';
import { ProblemError } from '../http/problems.js';

/** Read a job's report. @throws {AppError} As of `missingReportError`. */
export async function findReport(
  store: ObjectStore,
  tenant: string,
  job: Pick<JobRecord, 'id'>,
): Promise<JobReport> {
  return getJson(store, keys.report(tenant, job.id), jobReport).catch(async (error: unknown) => {
    if (!hasCode(error, 'not_found')) throw error;
    throw await missingReportError(store, tenant, job);
  });
}

/** Tell why a job has no report: `conflict` while it is made, or where that failed; else `not_found`. */
export async function missingReportError(
  store: ObjectStore,
  tenant: string,
  { id }: Pick<JobRecord, 'id'>,
): Promise<AppError> {
  const status = await readReportStatus(store, { tenant, id });
  if (status === null)
    return notFound(`Job '${id}' has no report: POST /v1/jobs/${id}/report makes one`);
  if (status.error !== null) {
    return new AppError('conflict', `The report of job '${id}' failed: ${status.error.message}`);
  }
  return new ProblemError('conflict', `The report of job '${id}' is ${status.state}`, {
    headers: { 'Retry-After': '1' },
  });
}
