import { useEffect } from 'react';
import { Link } from 'wouter';
import { isEnded, type JobStatus } from '../api/jobs.js';
import { type JobReport, type ReportStatus, reportFilePath } from '../api/reports.js';
import { isService, keptImages } from '../api/source.js';
import { formatCount, formatTime } from '../lib/format.js';
import { PageHead } from '../parts/page-head.js';
import { ReportContents } from '../parts/report-contents.js';
import { reportSections, type SectionName } from '../parts/report-section.js';
import { Empty, Loading, Trouble } from '../parts/states.js';
import { useJob } from './image.js';
import { titleOf } from './jobs.js';
import { ReportAgainst } from './report-against.js';
import { ReportAtlas } from './report-atlas.js';
import { ReportFlips } from './report-flips.js';
import { ReportPatches } from './report-patches.js';
import { ReportPlace } from './report-place.js';
import { MakeReport, ReportProgress } from './report-progress.js';
import { ReportSummary } from './report-summary.js';
import { ReportSuspects } from './report-suspects.js';
import { ReportTrust } from './report-trust.js';
import { isAtWork, useReport, useReportStatus } from './use-report.js';
import '../styles/report.css';

/** The report over all images of a job. */
export function ReportPage({ id }: { readonly id: string }) {
  const job = useJob(id);
  const status = useReportStatus(id);
  const error = job.error ?? status.error;
  if (job.data !== undefined && status.data !== undefined) {
    return <JobsReport job={job.data} status={status.data} />;
  }
  const retry = () => void Promise.all([job.refetch(), status.refetch()]);
  return (
    <>
      <PageHead title="Report" lead={<Link href={`/jobs/${id}`}>Back to the job</Link>} />
      {error === null ? <Loading what="the report" /> : <Trouble error={error} onRetry={retry} />}
    </>
  );
}

type JobsReportProps = { readonly job: JobStatus; readonly status: ReportStatus | null };

function JobsReport({ job, status }: JobsReportProps) {
  const { data: report, error, refetch } = useReport(job.id, status?.writtenAt ?? null);
  const isRunning = status !== null && isAtWork(status) && isService();
  const isShown = status !== null && report !== undefined;
  return (
    <>
      <ReportHead job={job} report={isShown ? report : null} isRunning={isRunning} />
      {isRunning && <ReportProgress job={job} status={status} />}
      {status?.state === 'failed' && <Failed job={job} status={status} />}
      {status === null && <NoReport job={job} />}
      {!isShown && status !== null && status.writtenAt !== null && error === null && (
        <Loading what="the report" />
      )}
      {!isShown && error !== null && <Trouble error={error} onRetry={() => void refetch()} />}
      {isShown && <Sections report={report} job={job} />}
    </>
  );
}

type ReportHeadProps = {
  readonly job: JobStatus;
  readonly report: JobReport | null;
  readonly isRunning: boolean;
};

function ReportHead({ job, report, isRunning }: ReportHeadProps) {
  return (
    <PageHead
      title="Report"
      windowTitle={`Report of ${titleOf(job)}`}
      lead={
        <>
          {/* A file of the report alone has no image of the job. */}
          {keptImages()?.length === 0 ? (
            titleOf(job)
          ) : (
            <Link href={`/jobs/${job.id}`}>{titleOf(job)}</Link>
          )}
          {report !== null && <> · written on {formatTime(report.writtenAt)}</>}
        </>
      }
    >
      {report !== null && (
        <div className="report-head">
          <Completeness report={report} />
          {isService() && (
            <div className="row">
              {(['json', 'parquet', 'html'] as const).map((form) => (
                <a key={form} className="button" href={reportFilePath(job.id, form)} download>
                  {fileNames[form]}
                </a>
              ))}
              {!isRunning && <MakeReport job={job} label="Redo" />}
            </div>
          )}
        </div>
      )}
    </PageHead>
  );
}

const fileNames = { json: 'JSON', parquet: 'Parquet', html: 'One file' } as const;

function Completeness({ report: { images, isComplete } }: { readonly report: JobReport }) {
  const words = isComplete
    ? `Complete: ${formatCount(images.read, 'image')}`
    : `So far ${images.read.toLocaleString('en')} of ${formatCount(images.total, 'image')}`;
  return (
    <span className="badge" data-state={isComplete ? 'completed' : 'in_progress'}>
      {words}
    </span>
  );
}

const Failed = ({ job, status }: { readonly job: JobStatus; readonly status: ReportStatus }) => (
  <div className="state state-trouble" role="alert">
    <h2>The report could not be made</h2>
    <p>{status.error?.message ?? 'The service does not say why.'}</p>
    <MakeReport job={job} label="Try again" />
  </div>
);

function NoReport({ job }: { readonly job: JobStatus }) {
  if (!isService()) {
    return <Empty title="No report">This file was written without one.</Empty>;
  }
  return (
    <div className="state">
      <h2>No report yet</h2>
      <p className="report-pitch">
        A report reads what every image of this job rests on: where the evidence lies, which patches
        decide and look alike, what wins when they are covered, and which images are unlike their
        class.
        {!isEnded(job) && ' The job still runs: the report goes on as its images finish.'}
      </p>
      <MakeReport job={job} label="Make report" isFirst />
    </div>
  );
}

const sectionNames = Object.keys(reportSections) as readonly SectionName[];

function Sections({ report, job }: { readonly report: JobReport; readonly job: JobStatus }) {
  useAnchor();
  const names = sectionNames.filter((name) => name !== 'against' || isService());
  return (
    <>
      <ReportContents names={names} />
      <ReportSummary report={report} />
      <ReportAtlas report={report} />
      <ReportPlace report={report} />
      <ReportPatches report={report} />
      <ReportFlips report={report} dataset={job.dataset} />
      <ReportTrust report={report} />
      <ReportSuspects report={report} />
      {isService() && <ReportAgainst report={report} job={job} />}
    </>
  );
}

/** Go to the section that the address names, which was not there when the browser looked for it. */
function useAnchor(): void {
  useEffect(() => {
    const name = location.hash.slice(1);
    if (Object.hasOwn(reportSections, name)) document.getElementById(name)?.scrollIntoView();
  }, []);
}
