import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { filePath } from '../api/images.js';
import { isEnded, type JobStatus, listJobs } from '../api/jobs.js';
import { askEach } from '../api/polling.js';
import { formatTime } from '../lib/format.js';
import { JobControls } from '../parts/job-controls.js';
import { PageHead } from '../parts/page-head.js';
import { JobProgress, StateBadge } from '../parts/progress.js';
import { Empty, Loading, Trouble } from '../parts/states.js';
import { firstImage } from './result-files.js';

const runningMs = 1_000;
const idleMs = 10_000;

/** Jobs, asked for often while any of them runs. */
export const useJobs = () =>
  useQuery({
    queryKey: ['jobs'],
    queryFn: ({ signal }) => listJobs(signal),
    refetchInterval: askEach<readonly JobStatus[]>((jobs) =>
      jobs?.every(isEnded) === true ? idleMs : runningMs,
    ),
  });

export function JobsPage() {
  const { data, error, refetch } = useJobs();
  return (
    <>
      <PageHead title="Jobs" lead="Newest first.">
        <Link className="button" href="/compare">
          Compare two jobs
        </Link>
      </PageHead>
      {data === undefined && error === null && <Loading what="the jobs" />}
      {data === undefined && error !== null && (
        <Trouble error={error} onRetry={() => void refetch()} />
      )}
      {data?.length === 0 && (
        <Empty title="No jobs yet">
          <Link href="/">Explain a photo</Link>, or send a folder with <code>umbra submit</code>.
        </Empty>
      )}
      {data !== undefined && data.length > 0 && <JobList jobs={data} />}
    </>
  );
}

export function JobList({ jobs }: { readonly jobs: readonly JobStatus[] }) {
  return (
    <ul className="list">
      {jobs.map((job) => (
        <li key={job.id} className="list-row job-row">
          <JobPicture job={job} />
          <div className="list-words">
            <Link className="list-name" href={`/jobs/${job.id}`}>
              {titleOf(job)}
            </Link>
            <span className="note">
              {formatTime(job.createdAt)} · <span className="id">{job.id}</span>
            </span>
            {job.error !== null && <span className="bad">{job.error.message}</span>}
          </div>
          <StateBadge state={job.state} />
          <JobProgress job={job} />
          <JobControls job={job} />
        </li>
      ))}
    </ul>
  );
}

/** The first photo's overlay, once it is there. */
function JobPicture({ job: { id, counts } }: { readonly job: JobStatus }) {
  const isThere = counts.completed === counts.total && counts.total > 0;
  const path = filePath({ job: id, image: firstImage }, 'thumbnail.webp');
  return <span className="job-picture">{isThere && <img src={path} alt="" />}</span>;
}

/** `12 photos by efficientnet-lite0`. */
export const titleOf = ({ counts, model }: JobStatus): string =>
  `${counts.total === 1 ? 'One photo' : `${counts.total.toLocaleString('en')} photos`} by ${model.name}`;
