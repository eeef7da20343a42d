import type { JobStatus } from '../api/jobs.js';
import type { ReportStatus } from '../api/reports.js';
import { isService } from '../api/source.js';
import { FailureWords } from '../parts/states.js';
import { useReportAction } from './use-report.js';

const stageWords: Readonly<Record<string, string>> = {
  evidence: 'Reads the evidence of each image',
  patches: 'Runs and clusters the decisive patches',
  checks: 'Checks maps against a random order',
  tables: 'Writes the report',
};

type ReportProgressProps = { readonly job: JobStatus; readonly status: ReportStatus };

/** How far a report is that is being made, and what stops it. */
export function ReportProgress({ job, status }: ReportProgressProps) {
  const { mutate, isPending, error } = useReportAction(job);
  const { writtenAt } = status;
  const { words, done, total } = tell(job, status);
  return (
    <div className="card job-head report-progress" role="status">
      <div className="progress">
        <progress
          className="progress-bar"
          {...(total > 0 && { max: total, value: done })}
          aria-label="Progress of the report"
        />
        <span className="progress-words">
          {words}
          {total > 0 && `: ${Math.floor((100 * done) / total)}\u00a0%`}
          {writtenAt !== null && ' · below is what was written last'}
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

/** What is done now; between two runs it waits for images of the job to end. */
function tell(job: JobStatus, { stage, state, progress, writtenAt }: ReportStatus) {
  if (stage !== null) return { words: stageWords[stage] ?? stage, ...progress };
  if (state === 'queued' || writtenAt === null)
    return { words: 'Waits for a worker', done: 0, total: 0 };
  const { completed, failed, total } = job.counts;
  return { words: 'Waits for more images of the job', done: completed + failed, total };
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
