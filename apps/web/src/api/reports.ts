import type {
  ClassReport,
  Estimate,
  FlipEdge,
  JobReport,
  PatchCluster,
  ReportMetric,
  ReportStatus,
  Suspect,
} from '@umbra/shared/contracts/report';
import type { ReportDifference } from '@umbra/shared/contracts/report-difference';
import type { Trial, TrialArm, TrialRequest } from '@umbra/shared/contracts/trial';
import { ask, askJson, post, ServiceError } from './http.js';

export type {
  ClassReport,
  Estimate,
  FlipEdge,
  JobReport,
  PatchCluster,
  ReportDifference,
  ReportMetric,
  ReportStatus,
  Suspect,
  Trial,
  TrialArm,
  TrialRequest,
};

const pathOf = (job: string): string => `/v1/jobs/${job}/report`;

/** Address of a file of the report. */
export const reportFilePath = (job: string, form: 'json' | 'parquet' | 'html'): string =>
  `${pathOf(job)}.${form}`;

/** Address of the picture of an image's decisive patch. */
export const cropPath = (job: string, image: string): string => `${pathOf(job)}/crops/${image}`;

/** How far a job's report is; null where none was asked for. */
export const getReportStatus = (job: string, signal?: AbortSignal): Promise<ReportStatus | null> =>
  askJson<ReportStatus>(pathOf(job), signal && { signal }).catch((error: unknown) => {
    if (error instanceof ServiceError && error.code === 'not_found') return null;
    throw error;
  });

export const readReport = (job: string, signal?: AbortSignal): Promise<JobReport> =>
  askJson<JobReport>(reportFilePath(job, 'json'), signal && { signal });

/** Have a report made, or made anew. */
export const startReport = (job: string): Promise<ReportStatus> =>
  askJson<ReportStatus>(pathOf(job), post({}));

/** Stop the making of a report, and delete it. */
export async function deleteReport(job: string): Promise<void> {
  await ask(pathOf(job), { method: 'DELETE' });
}

export const readReportDifference = (
  job: string,
  other: string,
  signal?: AbortSignal,
): Promise<ReportDifference> => askJson(`${pathOf(job)}/against/${other}`, signal && { signal });

/** A job's trials, the newest first: the service keeps so few that one page has them all. */
export const listTrials = async (job: string, signal?: AbortSignal): Promise<readonly Trial[]> => {
  const path = `/v1/jobs/${job}/trials`;
  return (await askJson<{ readonly data: readonly Trial[] }>(path, signal && { signal })).data;
};

export const startTrial = (job: string, of: TrialRequest['of']): Promise<Trial> =>
  askJson<Trial>(`/v1/jobs/${job}/trials`, post({ of }));

export const cancelTrial = async ({ job, id }: Pick<Trial, 'job' | 'id'>): Promise<void> => {
  await ask(`/v1/jobs/${job}/trials/${id}`, { method: 'DELETE' });
};
