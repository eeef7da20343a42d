import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { ImageOfJob } from '../api/images.js';
import { getJob, isEnded, type JobStatus } from '../api/jobs.js';
import { askEach, mayPass } from '../api/polling.js';
import { PageHead } from '../parts/page-head.js';
import { JobProgress } from '../parts/progress.js';
import { Loading, Trouble } from '../parts/states.js';
import { ImageView } from './image-view.js';
import { useImageProgress } from './use-image-maps.js';

const runningMs = 1_000;

/** A job, asked for each second until it has ended. */
export const useJob = (id: string) =>
  useQuery({
    queryKey: ['job', id],
    queryFn: ({ signal }) => getJob(id, signal),
    refetchInterval: askEach<JobStatus>((job) =>
      job !== undefined && isEnded(job) ? false : runningMs,
    ),
  });

/** One image of a job: its photo, and what the model makes of each patch. */
export function ImagePage(of: ImageOfJob) {
  const job = useJob(of.job);
  const progress = useImageProgress(of, job.data);
  const error = job.error ?? progress.error;
  if (job.data === undefined || progress.data === undefined) {
    return (
      <>
        <PageHead title="Image" lead={<Link href={`/jobs/${of.job}`}>Back to the job</Link>} />
        {error === null ? (
          <Loading what="the image" />
        ) : (
          <Trouble
            error={error}
            onRetry={() => {
              void job.refetch();
              void progress.refetch();
            }}
          />
        )}
      </>
    );
  }
  const isRunning = progress.data.state === 'running';
  return (
    <>
      <ImageView of={of} job={job.data} progress={progress.data} />
      {isRunning && progress.error !== null && !mayPass(progress.error) && (
        <Trouble error={progress.error} onRetry={() => void progress.refetch()} />
      )}
      {isRunning && <JobProgress job={job.data} />}
    </>
  );
}
