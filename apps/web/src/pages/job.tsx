import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { listRefusals } from '../api/datasets.js';
import { isEnded, type JobStatus } from '../api/jobs.js';
import { askEach } from '../api/polling.js';
import { reportFilePath } from '../api/reports.js';
import { listRows } from '../api/rows.js';
import { has, isService } from '../api/source.js';
import { formatTime } from '../lib/format.js';
import { formOf, newJobPath } from '../lib/job-form.js';
import { Failures, maxTold } from '../parts/failures.js';
import { JobControls, RetryButton } from '../parts/job-controls.js';
import { PageHead } from '../parts/page-head.js';
import { JobProgress, StateBadge } from '../parts/progress.js';
import { Loading, Trouble } from '../parts/states.js';
import { useJob } from './image.js';
import { JobWall } from './job-wall.js';
import { titleOf } from './jobs.js';

/** A job: how far it is, and its images as they are finished. */
export function JobPage({ id }: { readonly id: string }) {
  const { data: job, error, refetch } = useJob(id);
  if (job === undefined) {
    return (
      <>
        <PageHead title="Job" lead={<span className="id">{id}</span>} />
        {error === null ? (
          <Loading what="the job" />
        ) : (
          <Trouble error={error} onRetry={() => void refetch()} />
        )}
      </>
    );
  }
  return (
    <>
      <PageHead
        title={titleOf(job)}
        lead={
          <>
            {formatTime(job.createdAt)} · <span className="id">{job.id}</span> · {describe(job)}
          </>
        }
      >
        <StateBadge state={job.state} />
      </PageHead>
      <div className="card job-head">
        <JobProgress job={job} />
        <JobControls job={job} />
        <NextSteps job={job} />
        {job.error !== null && (
          <p className="bad" role="alert">
            {job.error.message}
          </p>
        )}
      </div>
      <RefusedFiles dataset={job.dataset} />
      <FailedImages job={job} />
      <JobWall job={job} />
    </>
  );
}

/** What else may be looked at, and made, of a job; a file may have its report. */
function NextSteps({ job }: { readonly job: JobStatus }) {
  if (!has(reportFilePath(job.id, 'json'))) return null;
  return (
    <div className="row">
      <Link className="button" href={`/jobs/${job.id}/report`}>
        Report
      </Link>
      {isService() && (
        <>
          <Link className="button" href={`/compare?a=${job.id}`}>
            Compare with …
          </Link>
          <Link className="button" href={newJobPath(formOf(job))}>
            Run again with other settings
          </Link>
        </>
      )}
    </div>
  );
}

function describe({ settings }: JobStatus): string {
  const { patch, stride, fill } = settings;
  const patches = 'height' in patch ? [patch] : patch;
  const sizes = patches.map(({ height, width }) => `${width} × ${height}`).join(', ');
  return `patch ${sizes} px, stride ${stride.x} × ${stride.y} px, fill ${fill.kind}`;
}

/** Images that failed, with the reasons; once the job has ended, they may be run again. */
function FailedImages({ job }: { readonly job: JobStatus }) {
  const { id, attempt, counts } = job;
  const hasEnded = isEnded(job);
  const { data } = useQuery({
    queryKey: ['failed', id, attempt, hasEnded],
    queryFn: ({ signal }) => listRows(id, { ...failedOnes, limit: maxTold }, signal),
    enabled: counts.failed > 0,
    refetchInterval: askEach<unknown>(() => (hasEnded ? false : failedMs)),
    placeholderData: keepPreviousData,
  });
  if (counts.failed === 0) return null;
  return (
    <Failures title="Failed" failures={data?.data ?? []} count={counts.failed}>
      {hasEnded && isService() && <RetryButton job={job} />}
    </Failures>
  );
}

const failedOnes = { sort: 'index', where: ['state=failed'] };
const failedMs = 5_000;

/** Files of the upload that are no photos. */
function RefusedFiles({ dataset }: { readonly dataset: string }) {
  const { data = [] } = useQuery({
    queryKey: ['refusals', dataset],
    queryFn: ({ signal }) => listRefusals(dataset, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (data.length === 0) return null;
  return <Failures title="Refused" failures={data} />;
}
