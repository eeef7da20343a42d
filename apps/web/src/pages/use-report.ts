import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { JobStatus } from '../api/jobs.js';
import { askEach } from '../api/polling.js';
import {
  deleteReport,
  getReportStatus,
  type ReportStatus,
  readReport,
  startReport,
} from '../api/reports.js';
import { isService } from '../api/source.js';

const runningMs = 1_000;

export const isAtWork = ({ state }: Pick<ReportStatus, 'state'>): boolean =>
  state === 'queued' || state === 'running';

/** How far a job's report is, asked for each second while it is made. */
export const useReportStatus = (job: string) =>
  useQuery({
    queryKey: ['report-status', job],
    queryFn: ({ signal }) => getReportStatus(job, signal),
    refetchInterval: askEach<ReportStatus | null>((status) =>
      status !== undefined && status !== null && isAtWork(status) && isService()
        ? runningMs
        : false,
    ),
  });

/** The report as it was last written. */
export const useReport = (job: string, writtenAt: string | null) =>
  useQuery({
    queryKey: ['report', job, writtenAt],
    queryFn: ({ signal }) => readReport(job, signal),
    enabled: writtenAt !== null,
    staleTime: Number.POSITIVE_INFINITY,
    // What is shown stays until the newer one is there.
    placeholderData: (before) => before,
  });

export type ReportAction = 'make' | 'delete';

/** What asks for a report, or stops and deletes it, and tells the page of it. */
export function useReportAction(job: Pick<JobStatus, 'id'>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (action: ReportAction): Promise<ReportStatus | null> => {
      if (action === 'make') return await startReport(job.id);
      await deleteReport(job.id);
      return null;
    },
    onSuccess: (status) => queries.setQueryData(['report-status', job.id], status),
  });
}
