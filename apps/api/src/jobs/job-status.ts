import type { JobLive, Progress } from '@umbra/platform/redis/job-progress';
import { at } from '@umbra/shared/assert';
import {
  isFinal,
  type JobRecord,
  type JobState,
  type JobStatus,
} from '@umbra/shared/contracts/job';
import type { ApiServices } from '../services.js';

export type JobStatusServices = Pick<
  ApiServices,
  'progress' | 'toldProgress' | 'formatOf' | 'workerRegistry'
>;

/**
 * Join a job's record with its progress in Redis.
 *
 * @param sampled What Redis said of it; read now unless given.
 */
export async function statusOf(
  services: JobStatusServices,
  tenant: string,
  job: JobRecord,
  sampled?: JobLive | null,
): Promise<JobStatus> {
  const perImage = job.positionsPerImage;
  const total = perImage === null ? null : perImage * job.counts.total;
  if (isFinal(job.state)) {
    const done = perImage === null ? 0 : perImage * job.counts.completed;
    return { ...job, positions: { done, total }, ...unknownThroughput, waitingFor: null };
  }
  const live = sampled ?? at(await services.progress.readAll([job.id]), 0);
  const state = stateOf(job.state, live);
  const isHeld = state === 'cancelling' || state === 'paused';
  const waitingFor = isHeld ? null : await findMissingWorker(services, tenant, job);
  const progress = latestProgress(services, job, live.progress);
  const told = progressOf(job, progress, total);
  const isRunning = state === 'in_progress' && waitingFor === null;
  const rate = isRunning ? live.positionsPerSecond : null;
  // Not of what was told: rows that Redis lost are done again.
  const left = positionsLeft(job, live);
  return { ...job, state, ...told, ...throughputOf(rate, left), waitingFor };
}

/** Derive the state that a user's request leads to, before the dispatcher has recorded it. */
function stateOf(state: JobState, { isCancelled, isPaused }: JobLive): JobState {
  if (state === 'finalizing') return state;
  if (isCancelled) return 'cancelling';
  return isPaused && (state === 'in_progress' || state === 'queued') ? 'paused' : state;
}

/**
 * A job's progress, which never falls behind what this process has told of the same attempt: after Redis
 * was lost, a dispatcher first counts the images in the store again.
 */
function latestProgress(
  { toldProgress }: Pick<JobStatusServices, 'toldProgress'>,
  { id, attempt }: JobRecord,
  live: Progress | null,
): Progress | null {
  const key = `${id} ${attempt}`;
  const told = toldProgress.get(key);
  if (live === null) return told ?? null;
  const latest = {
    ...live,
    completed: Math.max(live.completed, told?.completed ?? 0),
    failed: Math.max(live.failed, told?.failed ?? 0),
    positions: Math.max(live.positions, told?.positions ?? 0),
    startedAtMs: Math.min(live.startedAtMs, told?.startedAtMs ?? live.startedAtMs),
  };
  toldProgress.set(key, latest);
  return latest;
}

function progressOf({ counts }: JobRecord, progress: Progress | null, total: number | null) {
  if (progress === null) return { counts, positions: { done: 0, total } };
  const { completed, failed, positions } = progress;
  // After a loss of Redis, shards of an image may be counted, and then the image with them.
  const done = total === null ? positions : Math.min(positions, total);
  return { counts: { ...counts, completed, failed }, positions: { done, total } };
}

/**
 * Count what a job still has to do: nothing of its failed images, and at least all of those that are not
 * begun.
 *
 * @returns null where the inputs vary in size, or Redis was lost.
 */
function positionsLeft(
  { counts, positionsPerImage }: JobRecord,
  { progress, inFlight }: JobLive,
): number | null {
  if (positionsPerImage === null || progress === null) return null;
  const { completed, failed, positions } = progress;
  const notBegun = Math.max(0, counts.total - completed - failed - inFlight);
  const left = positionsPerImage * (counts.total - failed) - positions;
  return Math.max(left, positionsPerImage * notBegun);
}

/** Describe the kind of worker that a job needs and that is missing; null where there is one. */
async function findMissingWorker(
  { formatOf, workerRegistry }: JobStatusServices,
  tenant: string,
  { state, model }: JobRecord,
): Promise<string | null> {
  if (state === 'finalizing') return null;
  const format = await formatOf({ tenant, ...model });
  const workers = await workerRegistry.list();
  if (workers.some(({ formats }) => formats.includes(format))) return null;
  const live = workers.filter(({ inferenceThreads }) => inferenceThreads > 0).length;
  return `a worker that runs ${format} models; none of the ${live} live workers does`;
}

const unknownThroughput = { positionsPerSecond: null, etaSeconds: null } as const;

/** @param left Positions that are left; a job of which none are is about to end. */
function throughputOf(rate: number | null, left: number | null) {
  if (rate === null) return unknownThroughput;
  const etaSeconds = left === null || left <= 0 ? null : round(left / rate);
  return { positionsPerSecond: round(rate), etaSeconds };
}

const round = (value: number): number => Math.round(value * 10) / 10;
