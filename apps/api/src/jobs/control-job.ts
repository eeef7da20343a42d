import { setTimeout as sleep } from 'node:timers/promises';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import { AppError } from '@umbra/shared/errors';
import type { ApiServices } from '../services.js';
import { dispatchJob, reservePositions } from './create-job.js';

/**
 * Have a job end; what is finished stays. Safe to repeat.
 *
 * @throws {AppError} `conflict` if it has ended already.
 */
export async function cancelJob(
  context: ApiServices,
  tenant: string,
  job: JobRecord,
): Promise<void> {
  if (job.state === 'cancelled') return;
  assertRunning(job, 'cancel');
  await mark(context, keys.cancellation(tenant, job.id));
  // Without Redis nothing runs, and the store's mark is found when it is back.
  await context.progress.cancel(job.id).catch(() => undefined);
}

/**
 * Queue no more of a job's images until it is resumed; those in the queue are finished. Safe to repeat.
 *
 * @throws {AppError} `conflict` if all its images are finished.
 */
export async function pauseJob(
  context: ApiServices,
  tenant: string,
  job: JobRecord,
): Promise<void> {
  assertRunning(job, 'pause');
  await mark(context, keys.pause(tenant, job.id));
  await context.progress.setPaused(job.id, true);
}

/** Go on with a job. Safe to repeat. @throws {AppError} `conflict` if it has ended. */
export async function resumeJob(
  context: ApiServices,
  tenant: string,
  job: JobRecord,
): Promise<void> {
  assertRunning(job, 'resume');
  await context.store.delete(keys.pause(tenant, job.id));
  await context.progress.setPaused(job.id, false);
}

/**
 * Run the images of an ended job that failed or were not run; finished ones stay as they are.
 *
 * @throws {AppError} `conflict` while it runs, and if all its images are finished; `quota_exceeded`.
 */
export async function retryJob(
  context: ApiServices,
  tenant: string,
  job: JobRecord,
): Promise<JobRecord> {
  const { store, progress } = context;
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
  await untilPutAway(store, tenant, job.id);
  const again: JobRecord = {
    ...job,
    // One that ended before it knew its images asks its dataset for them.
    ...{ state: job.startedAt === null ? 'validating' : 'queued' },
    ...{ attempt: job.attempt + 1, ending: null, error: null, expiresAt: null },
    ...{ pausedAt: null, finalizingAt: null, completedAt: null, failedAt: null },
    ...{ cancellingAt: null, cancelledAt: null, expiredAt: null },
    counts: { total, completed: 0, failed: 0 },
  };
  await reservePositions(context, tenant, {
    ...again,
    counts: { ...again.counts, total: total - completed },
  });
  for (const key of [keys.cancellation(tenant, job.id), keys.pause(tenant, job.id)]) {
    await store.delete(key);
  }
  await progress.revive(job.id);
  // The mark first: a job that says it is queued is always found.
  await store.put(keys.activeJob(tenant, job.id), job.id);
  await putJson(store, keys.job(tenant, job.id), again);
  // Once more: who found the mark before the record may have put the ended job away.
  await store.put(keys.activeJob(tenant, job.id), job.id);
  await dispatchJob(context, tenant, job.id);
  return again;
}

const cleanUpMs = 2_000;

/**
 * A job is told to have ended before all that it needed is put away, its mark last: what is begun before
 * would be put away with it.
 *
 * @throws {AppError} `conflict` if that takes long.
 */
async function untilPutAway(store: ObjectStore, tenant: string, id: string): Promise<void> {
  const deadline = Date.now() + cleanUpMs;
  while ((await store.head(keys.activeJob(tenant, id))) !== null) {
    if (Date.now() > deadline) {
      throw new AppError('conflict', `Job '${id}' is still ending: retry it in a moment`);
    }
    await sleep(50);
  }
}

function assertRunning({ id, state }: JobRecord, what: string): void {
  if (!isFinal(state) && state !== 'finalizing') return;
  throw new AppError('conflict', `Job '${id}' is ${state}: there is nothing to ${what}`);
}

async function mark({ store }: ApiServices, key: string): Promise<void> {
  const requestedAt = new Date().toISOString();
  if ((await store.head(key)) === null) await putJson(store, key, { requestedAt });
}
