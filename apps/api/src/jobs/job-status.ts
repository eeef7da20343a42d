import type { JobLive } from '@umbra/platform/redis/job-progress';
import {
  isFinal,
  type JobRecord,
  type JobState,
  type JobStatus,
} from '@umbra/shared/contracts/job';
import type { ApiServices } from '../services.js';

/**
 * The record with the progress that Redis has of it.
 *
 * @param reread Gives the record anew, where the one at hand may be old: progress that is gone says that
 *   the job has ended since.
 */
export async function statusOf(
  context: ApiServices,
  job: JobRecord,
  reread?: () => Promise<JobRecord>,
): Promise<JobStatus> {
  const per = job.positionsPerImage;
  const total = per === null ? null : per * job.counts.total;
  if (isFinal(job.state)) {
    const done = per === null ? 0 : per * job.counts.completed;
    return { ...job, positions: { done, total }, ...unknownThroughput, waitingFor: null };
  }
  const [live] = await context.progress.readAll([job.id]);
  if (reread !== undefined && live?.progress === null) return statusOf(context, await reread());
  const state = live === undefined ? job.state : stateOf(job.state, live);
  const isHeld = state === 'cancelling' || state === 'paused';
  const waitingFor = isHeld ? null : await missingWorker(context, job);
  return { ...job, state, ...progressOf(job, live, total), waitingFor };
}

/** What a user asked for is told before the dispatcher has written it down. */
function stateOf(state: JobState, { isCancelled, isPaused }: JobLive): JobState {
  if (state === 'finalizing') return state;
  if (isCancelled) return 'cancelling';
  return isPaused && (state === 'in_progress' || state === 'queued') ? 'paused' : state;
}

function progressOf({ counts }: JobRecord, live: JobLive | undefined, total: number | null) {
  const progress = live?.progress ?? null;
  if (progress === null) return { counts, positions: { done: 0, total }, ...unknownThroughput };
  const { completed, failed, positions, startedAtMs } = progress;
  // A shard that ran twice counted twice.
  const done = total === null ? positions : Math.min(positions, total);
  return {
    counts: { ...counts, completed, failed },
    positions: { done, total },
    ...paceOf(done, total, startedAtMs),
  };
}

/** The kind of worker that a job needs and that nobody is; null where there is one. */
async function missingWorker(
  { formatOf, workerRegistry }: ApiServices,
  { state, model }: JobRecord,
): Promise<string | null> {
  if (state === 'finalizing') return null;
  const format = await formatOf(model);
  const workers = await workerRegistry.list();
  if (workers.some(({ formats }) => formats.includes(format))) return null;
  const live = workers.filter(({ inferenceThreads }) => inferenceThreads > 0).length;
  return `a worker that runs ${format} models; none of the ${live} live workers does`;
}

const unknownThroughput = { positionsPerSecond: null, etaSeconds: null } as const;

function paceOf(done: number, total: number | null, startedAtMs: number) {
  if (done === 0) return unknownThroughput;
  const perPosition = (Date.now() - startedAtMs) / 1000 / done;
  const eta = total === null ? null : Math.round(perPosition * (total - done) * 10) / 10;
  return { positionsPerSecond: Math.round(10 / perPosition) / 10, etaSeconds: eta };
}
