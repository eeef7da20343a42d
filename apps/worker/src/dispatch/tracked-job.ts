import type { ShardQueue } from '@umbra/platform/queues/names';
import type { JobLive } from '@umbra/platform/redis/job-progress';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { ManifestReader } from './manifest-reader.js';

/** The dispatcher's state of a job that is not final. */
export type TrackedJob = {
  readonly tenant: string;
  readonly jobId: string;
  /** When this dispatcher first saw it, ms since the epoch. */
  readonly sinceMs: number;
  /** Whether its record has been read: the marker is written before it. */
  hasRecord?: true;
  /** What Redis said of it when the dispatcher last looked; undefined until it has. */
  live?: JobLive;
  /** undefined until its record has been read. */
  loaded?: { readonly bundle: ModelBundle; readonly queue: ShardQueue };
  job?: JobRecord;
  /** undefined until the job has started. */
  reader?: ManifestReader;
  /** Since when the store lacks something that the running job needs, ms since the epoch. */
  lackingSinceMs?: number;
  /** Whether a transition is in progress: the job is left alone meanwhile. */
  isBusy: boolean;
  /** It is left alone until then, whatever is told of it: after a fault, or between slow transitions. */
  notBeforeMs: number;
  /** It is looked at then, though nothing is told of it. */
  dueMs: number;
  /** Images that were finished when their number last changed. */
  finished: number;
  finishedChangedMs: number;
};

/** A tracked job whose record has been read. */
export type LoadedJob = TrackedJob & {
  job: JobRecord;
  live: JobLive;
  loaded: NonNullable<TrackedJob['loaded']>;
};

/** Shortest and longest interval of transitions that wait for something slow. */
const slowIntervalMs = { min: 1_000, max: 30_000 };
/** A job whose images are in flight and do not finish for this long may have lost them. */
export const stuckMs = 5_000;

export const newTrackedJob = (tenant: string, jobId: string, nowMs: number): TrackedJob => ({
  tenant,
  jobId,
  sinceMs: nowMs,
  isBusy: false,
  notBeforeMs: 0,
  dueMs: 0,
  finished: 0,
  finishedChangedMs: nowMs,
});

export const isLoaded = (tracked: TrackedJob): tracked is LoadedJob =>
  tracked.job !== undefined && tracked.live !== undefined;

/** Look again at a job that waits for something slow: the longer it has waited, the later. */
export function lookLater(tracked: TrackedJob, sinceMs: number, nowMs: number): void {
  const { min, max } = slowIntervalMs;
  tracked.notBeforeMs = nowMs + min;
  tracked.dueMs = nowMs + Math.min(max, Math.max(min, (nowMs - sinceMs) / 10));
}

export const isIdle = ({ isBusy, notBeforeMs }: TrackedJob, nowMs: number): boolean =>
  !isBusy && notBeforeMs <= nowMs;

/** Continue from a record that another process has written. */
export function resetTrackedJob(tracked: LoadedJob, job: JobRecord): void {
  tracked.job = job;
  delete tracked.reader;
}

/** Whether images are in flight and none has finished for a while; then again only after as long. */
export function isStuck(
  tracked: TrackedJob,
  { progress, inFlight }: JobLive,
  nowMs: number,
): boolean {
  const finished = progress === null ? 0 : progress.completed + progress.failed;
  if (inFlight === 0 || finished !== tracked.finished) {
    tracked.finished = finished;
    tracked.finishedChangedMs = nowMs;
    return false;
  }
  if (nowMs - tracked.finishedChangedMs < stuckMs) return false;
  tracked.finishedChangedMs = nowMs;
  return true;
}
