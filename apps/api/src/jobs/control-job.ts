import { setTimeout as sleep } from 'node:timers/promises';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import { AppError } from '@umbra/shared/errors';
import type { ApiServices } from '../services.js';
import { dispatchJob, type JobServices, reservePositions } from './create-job.js';

type ControlServices = Pick<ApiServices, 'store' | 'progress'>;

/**
 * Cancel a job; finished images stay. Idempotent.
 *
 * @throws {AppError} `conflict` if it has ended already.
 */
export async function cancelJob(
  { store, progress }: ControlServices,
  tenant: string,
  job: JobRecord,
): Promise<void> {
  if (job.state === 'cancelled') return;
  assertRunning(job, 'cancel');
  await writeMarker(store, keys.cancellation(tenant, job.id));
  // While Redis is down nothing runs, and the store's marker is found once it is back.
  await progress.cancel(job.id).catch(() => undefined);
}

/**
 * Pause a job: no more of its images are queued until it is resumed; queued ones are finished. Idempotent.
 *
 * @throws {AppError} `conflict` if all its images are finished.
 */
export async function pauseJob(
  { store, progress }: ControlServices,
  tenant: string,
  job: JobRecord,
): Promise<void> {
  assertRunning(job, 'pause');
  await writeMarker(store, keys.pause(tenant, job.id));
  await progress.setPaused(job.id, true);
}

/** Resume a paused job. Idempotent. @throws {AppError} `conflict` if it has ended. */
export async function resumeJob(
  { store, progress }: ControlServices,
  tenant: string,
  job: JobRecord,
): Promise<void> {
  assertRunning(job, 'resume');
  await store.delete(keys.pause(tenant, job.id));
  await progress.setPaused(job.id, false);
}

/**
 * Retry an ended job: run its images that failed or were not run; finished ones stay as they are.
 *
 * @throws {AppError} `conflict` while it runs, and if all its images are finished; `quota_exceeded`.
 */
export async function retryJob(
  services: JobServices,
  tenant: string,
  job: JobRecord,
): Promise<JobRecord> {
  const { store, progress } = services;
  const left = await countRetried(store, tenant, job);
  await untilCleanedUp(store, tenant, job.id);
  const again = nextAttempt(job);
  await reservePositions(services, tenant, { ...again, counts: { ...again.counts, total: left } });
  for (const key of [keys.cancellation(tenant, job.id), keys.pause(tenant, job.id)]) {
    await store.delete(key);
  }
  await progress.revive(job.id);
  // The marker first: a job whose record says that it is queued is always found.
  await store.put(keys.activeJob(tenant, job.id), job.id);
  await putJson(store, keys.job(tenant, job.id), again);
  // Once more: a worker that found the marker before the record may have cleaned up the ended job.
  await store.put(keys.activeJob(tenant, job.id), job.id);
  await dispatchJob(services, tenant, job.id);
  return again;
}

/** Count the images that a retry runs. @throws {AppError} `conflict` if the job cannot be retried. */
async function countRetried(store: ObjectStore, tenant: string, job: JobRecord): Promise<number> {
  const { total, completed } = job.counts;
  if (!isFinal(job.state)) {
    throw new AppError(
      'conflict',
      `Job '${job.id}' is ${job.state}: it can be retried when it ended`,
    );
  }
  if (job.startedAt !== null && completed >= total) {
    throw new AppError('conflict', `All ${total} images of job '${job.id}' are finished`);
  }
  if ((await store.head(keys.dataset(tenant, job.dataset))) === null) {
    throw new AppError('conflict', `Dataset '${job.dataset}' of job '${job.id}' was deleted`);
  }
  return total - completed;
}

/** Make the record with which a job starts over. */
const nextAttempt = (job: JobRecord): JobRecord => ({
  ...job,
  // A job that ended before it knew its images starts with its dataset.
  state: job.startedAt === null ? 'validating' : 'queued',
  attempt: job.attempt + 1,
  ending: null,
  error: null,
  expiresAt: null,
  pausedAt: null,
  finalizingAt: null,
  completedAt: null,
  failedAt: null,
  cancellingAt: null,
  cancelledAt: null,
  expiredAt: null,
  counts: { total: job.counts.total, completed: 0, failed: 0 },
});

const cleanUpMs = 2_000;

/**
 * Wait until an ended job is cleaned up, its marker last: a retry before that would be cleaned up with it.
 *
 * @throws {AppError} `conflict` after a timeout.
 */
async function untilCleanedUp(store: ObjectStore, tenant: string, id: string): Promise<void> {
  const deadline = Date.now() + cleanUpMs;
  while ((await store.head(keys.activeJob(tenant, id))) !== null) {
    if (Date.now() > deadline) {
      throw new AppError('conflict', `Job '${id}' is still ending: retry it in a moment`);
    }
    await sleep(50);
  }
}

function assertRunning({ id, state }: JobRecord, action: string): void {
  if (!isFinal(state) && state !== 'finalizing') return;
  throw new AppError('conflict', `Job '${id}' is ${state}: there is nothing to ${action}`);
}

/** Write a marker, unless there is one already. */
async function writeMarker(store: ObjectStore, key: string): Promise<void> {
  const requestedAt = new Date().toISOString();
  if ((await store.head(key)) === null) await putJson(store, key, { requestedAt });
}
