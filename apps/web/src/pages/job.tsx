import {
  keepPreviousData,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useEffect } from 'react';
import { Link } from 'wouter';
import { listRefusals } from '../api/datasets.js';
import { followJob } from '../api/events.js';
import { filePath } from '../api/images.js';
import { type ImageStatus, isEnded, type JobStatus, listFailed, listImages } from '../api/jobs.js';
import { askEach } from '../api/polling.js';
import { formatTime } from '../lib/format.js';
import { Failures, maxTold } from '../parts/failures.js';
import { JobControls } from '../parts/job-controls.js';
import { PageHead } from '../parts/page-head.js';
import { JobProgress, StateBadge } from '../parts/progress.js';
import { Empty, Loading, Trouble } from '../parts/states.js';
import { useJob } from './image.js';
import { titleOf } from './jobs.js';

const pageSize = 60;

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
        {job.error !== null && (
          <p className="bad" role="alert">
            {job.error.message}
          </p>
        )}
      </div>
      <RefusedFiles dataset={job.dataset} />
      <JobImages job={job} />
    </>
  );
}

function describe({ settings }: JobStatus): string {
  const { patch, stride, fill } = settings;
  const patches = 'height' in patch ? [patch] : patch;
  const sizes = patches.map(({ height, width }) => `${width} × ${height}`).join(', ');
  return `patch ${sizes} px, stride ${stride.x} × ${stride.y} px, fill ${fill.kind}`;
}

/** A job's images by pages, told anew as the job tells that some are finished. */
function useImages(job: JobStatus) {
  const queries = useQueryClient();
  const { id, attempt } = job;
  const isRunning = !isEnded(job);
  const images = useInfiniteQuery({
    queryKey: ['images', id, attempt],
    queryFn: ({ pageParam, signal }) =>
      listImages(id, { limit: pageSize, ...(pageParam !== '' && { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: ({ next_cursor }) => next_cursor,
  });
  useEffect(() => {
    if (!isRunning) return;
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = () => {
      if (!leaving.signal.aborted) timer ??= setTimeout(tellNews, gatherMs);
    };
    const tellNews = () => {
      timer = undefined;
      // An answer on its way may be older than the news, and is waited for: asked over and over, none would come.
      if (queries.isFetching({ queryKey: ['images', id] }) > 0) return soon();
      for (const queryKey of [
        ['images', id],
        ['job', id],
      ]) {
        void queries.invalidateQueries({ queryKey }, { cancelRefetch: false });
      }
    };
    const told = followJob(id, ({ name }) => name !== 'progress' && soon(), leaving.signal);
    // Without events the job is asked each second all the same, and its images at its end.
    told.then(soon, soon);
    return () => {
      leaving.abort();
      clearTimeout(timer);
      // The job's end may be known before the events of its last images, or without any.
      void queries.invalidateQueries({ queryKey: ['images', id] });
    };
  }, [queries, id, isRunning]);
  return images;
}

/** Events of this time are answered by one request. */
const gatherMs = 250;

function JobImages({ job }: { readonly job: JobStatus }) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useImages(job);
  if (data === undefined) {
    return error === null ? (
      <Loading what="the images" />
    ) : (
      <Trouble error={error} onRetry={() => void refetch()} />
    );
  }
  const images = data.pages.flatMap((page) => page.data);
  const failed = images.filter(({ state }) => state === 'failed');
  if (images.length === 0) return <Empty title="No images yet">Their dataset is being read.</Empty>;
  return (
    <>
      <FailedImages job={job} shown={failed} />
      <h2 className="section-title">Images</h2>
      <ul className="wall">
        {images.map((image) => (
          <Thumbnail key={image.id} job={job.id} image={image} />
        ))}
      </ul>
      {hasNextPage && (
        <button
          type="button"
          className="button more"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Show more
        </button>
      )}
    </>
  );
}

/** Images that failed, also those far down the list; each is asked for seldom, since the service looks for it. */
function FailedImages({ job, shown }: { readonly job: JobStatus; readonly shown: Failed }) {
  const { id, attempt, counts } = job;
  const isKnown = shown.length >= Math.min(counts.failed, maxTold);
  const hasEnded = isEnded(job);
  const { data = shown } = useQuery({
    queryKey: ['failed', id, attempt, hasEnded],
    queryFn: ({ signal }) => listFailed(id, maxTold, signal),
    enabled: !isKnown,
    refetchInterval: askEach<unknown>(() => (hasEnded ? false : failedMs)),
    placeholderData: keepPreviousData,
  });
  const failures = isKnown || data.length < shown.length ? shown : data;
  const count = Math.max(counts.failed, failures.length);
  if (count === 0) return null;
  return <Failures title="Failed" failures={failures} count={count} />;
}

type Failed = readonly ImageStatus[];
const failedMs = 10_000;

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

type ThumbnailProps = { readonly job: string; readonly image: ImageStatus };

function Thumbnail({ job, image: { id, name, state } }: ThumbnailProps) {
  const path = state === 'completed' ? filePath({ job, image: id }, 'thumbnail.webp') : null;
  return (
    <li className="wall-item">
      <Link href={`/jobs/${job}/images/${id}`} aria-label={`${name}, ${stateWords[state]}`}>
        <span className="wall-picture" data-state={state}>
          {path !== null && <img src={path} alt="" loading="lazy" />}
        </span>
        <span className="wall-name">{name}</span>
      </Link>
    </li>
  );
}

const stateWords = {
  pending: 'waiting',
  running: 'running',
  completed: 'finished',
  failed: 'failed',
} as const;
