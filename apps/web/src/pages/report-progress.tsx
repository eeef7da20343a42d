import type { JobStatus } from '../api/jobs.js';
import type { ReportStatus } from '../api/reports.js';
import { isService } from '../api/source.js';
import { formatCount } from '../lib/format.js';
import { FailureWords } from '../parts/states.js';
import { useReportAction } from './use-report.js';

const stageWords: Readonly<Record<string, string>> = {
  evidence: 'Reads the evidence of each image',
  patches: 'Runs and groups the decisive patches',
  checks: 'Checks maps against a random order',
  tables: 'Writes the report',
};

type ReportProgressProps = { readonly job: JobStatus; readonly status: ReportStatus };

/** How far a report is that is being made, and what stops it. */
export function ReportProgress({ job, status }: ReportProgressProps) {
  const { mutate, isPending, error } = useReportAction(job);
  const { stage, progress, state, writtenAt } = status;
  const { done, total } = progress;
  const words = stage === null ? 'Waits for a worker' : (stageWords[stage] ?? stage);
  return (
    <div className="card job-head report-progress" role="status">
      <div className="progress">
        <progress
          className="progress-bar"
          {...(total > 0 && { max: total, value: done })}
          aria-label="Progress of the report"
        />
        <span className="progress-words">
          {state === 'queued' ? 'Queued' : words}
          {total > 0 && `: ${done.toLocaleString('en')} of ${formatCount(total, 'image')}`}
          {writtenAt !== null && ' · below is what it had before'}
        </span>
      </div>
      <button
        type="button"
        className="button"
        disabled={isPending}
        onClick={() => mutate('delete')}
      >
        {writtenAt === null ? 'Cancel' : 'Stop and delete'}
      </button>
      <FailureWords error={error} />
    </div>
  );
}

type MakeReportProps = {
  readonly job: JobStatus;
  readonly label: string;
  readonly isFirst?: boolean;
};

/** Asks for a report, or for a newer one. */
export function MakeReport({ job, label, isFirst = false }: MakeReportProps) {
  const { mutate, isPending, error } = useReportAction(job);
  if (!isService()) return null;
  return (
    <>
      <button
        type="button"
        className={isFirst ? 'button button-first' : 'button'}
        disabled={isPending}
        onClick={() => mutate('make')}
      >
        {label}
      </button>
      <FailureWords error={error} />
    </>
  );
}
