import { isOutage } from '@umbra/platform/faults';
import { nameImage } from '@umbra/platform/redis/losses';
import {
  type MergePayload,
  mergePayload,
  type ShardReturn,
  shardReturn,
} from '@umbra/shared/contracts/shard';
import {
  type ErrorReport,
  hasCode,
  isRetryable,
  reportError,
  unavailable,
} from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';
import type { Job } from 'bullmq';
import { countLoss } from '../jobs/count-loss.js';
import {
  type ImageServices,
  isWritten,
  recordCompletion,
  recordFailure,
} from '../jobs/finish-image.js';
import { giveBack } from '../runtime/give-back.js';
import { isLastAttempt, isStalledOut, parseFailure } from '../runtime/queue-jobs.js';
import type { StepResult, StepWork } from '../runtime/step.js';
import type { WorkerServices } from '../services.js';
import type { LostRows, RunRows } from '../shards/run-rows.js';
import { type ImageRows, openImageRows } from './image-rows.js';
import { writeResults } from './write-results.js';

export type MergeServices = ImageServices &
  Pick<
    WorkerServices,
    'sources' | 'modelCache' | 'rowsLease' | 'config' | 'apart' | 'heldImages' | 'shutdown'
  >;

/** Delay before a merge asks again that is to run apart, where another suspect does. */
const askAgainMs = 300;

/**
 * Assemble an image's shards, write its results, count it: apart where a worker was lost at that. Safe to
 * repeat.
 */
export async function runMerge(
  services: MergeServices,
  job: Job,
  token: string,
): Promise<StepResult> {
  const image = mergePayload.parse(job.data);
  // A run before this one may have written the results, and could not count them.
  if (job.attemptsStarted > 1 && (await isWritten(services, image))) {
    return { work: await recordCompletion(services, image) };
  }
  const returned = await readReturned(job);
  const imageRows = openImageRows(services, image, returned);
  const [failure] = Object.values(await job.getIgnoredChildrenFailures());
  let work: StepWork;
  if (failure !== undefined) {
    work = await giveUpShards(services, { image, imageRows }, parseFailure(failure));
  } else if (job.stalledCounter === 0) {
    const write = () => writeResults(services, image, returned);
    work = await mergeShards(services, { job, token, image, imageRows, write });
  } else {
    const turn = await services.apart.enter(image);
    if (turn === null) return giveBack(job, token, askAgainMs);
    const write = () => turn.merge({ image, returned }, services.shutdown);
    try {
      await services.heldImages.hold(token, image, 'merge');
      work = await mergeShards(services, { job, token, image, imageRows, write });
    } finally {
      turn.leave();
      services.heldImages.release(token).catch(() => undefined);
    }
  }
  await imageRows.release();
  return { work };
}

/** Fail the image of a merge that was lost with its workers far more often than it takes to convict one. */
export async function failUnmerged(
  services: ImageServices,
  job: Job,
  error: Error,
): Promise<StepResult> {
  const image = mergePayload.parse(job.data);
  const failure: ErrorReport = isStalledOut(job)
    ? {
        code: 'internal',
        message: `${nameImage(image)} was lost with its workers again and again while it was merged`,
      }
    : parseFailure(error.message);
  return { work: await recordFailure(services, image, failure) };
}

type Merge = {
  readonly job: Job;
  readonly token: string;
  readonly image: MergePayload;
  readonly imageRows: ImageRows;
  /** @returns The rows of the image whose results it has written, or those that were lost. */
  write(): Promise<RunRows | LostRows>;
};

async function readReturned(job: Job): Promise<ShardReturn[]> {
  const values = Object.values(await job.getChildrenValues());
  return values.map((value) => shardReturn.parse(value));
}

/** Keep the rows of the shards that succeeded, and fail the image unless its job was cancelled. */
async function giveUpShards(
  services: MergeServices,
  { image, imageRows }: Pick<Merge, 'image' | 'imageRows'>,
  error: ErrorReport,
): Promise<StepWork> {
  const { progress } = services;
  await imageRows.keepBands();
  if (error.code !== 'cancelled' || !(await progress.isCancelled(image.jobId))) {
    return recordFailure(services, image, error);
  }
  await progress.dropImage(image.jobId, imageIndexOf(image.item.id));
  return { tenant: image.tenant };
}

async function mergeShards(services: MergeServices, merge: Merge): Promise<StepWork> {
  const { job, image, imageRows, write } = merge;
  let seconds: number;
  try {
    const rows = await write();
    if ('lost' in rows) return await healShards(services, image, rows);
    await imageRows.keepImage(rows);
    seconds = rows.milliseconds / 1000;
  } catch (error) {
    // This process ends: another one merges.
    if (hasCode(error, 'cancelled')) throw unavailable('The merge was given back', error);
    if (isOutage(error) || (!isLastAttempt(job) && isRetryable(error))) throw error;
    await assertLocked(services, merge);
    await imageRows.keepBands();
    return recordFailure(services, image, reportError(error));
  }
  return recordCompletion(services, image, seconds);
}

/**
 * Go on where the store lacks what the shards have put there: either this merge wrote its results before,
 * and then deleted them, or they were lost. The image then stays in flight and in no queue, and so the
 * dispatcher queues it again, a few times.
 */
async function healShards(
  services: MergeServices,
  image: MergePayload,
  { lost }: LostRows,
): Promise<StepWork> {
  if (await isWritten(services, image)) return recordCompletion(services, image);
  const rows = lost.map(({ rowStart, rowEnd }) => `rows ${rowStart} to ${rowEnd - 1}`).join(', ');
  const reason = await countLoss(services, { ...image, lost: rows });
  return reason === null ? { tenant: image.tenant } : recordFailure(services, image, reason);
}

/**
 * Check that this process holds the merge's lock. Where Redis came back empty, the shards are gone with
 * it: that they are missing is no failure of the image, and the job is resumed from the store.
 *
 * @throws {AppError} `unavailable` if another worker may have this merge.
 */
async function assertLocked(
  { config }: Pick<WorkerServices, 'config'>,
  { job, token }: Merge,
): Promise<void> {
  const extended = await job.extendLock(token, config.UMBRA_LOCK_MS).catch(() => 0);
  if (extended !== 1) throw unavailable('The queue no longer knows of this merge');
}
