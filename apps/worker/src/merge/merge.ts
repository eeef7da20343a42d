import { composeResult, inputSize, planOcclusion } from '@umbra/engine';
import { isOutage } from '@umbra/platform/faults';
import { nameImage } from '@umbra/platform/redis/losses';
import { keys } from '@umbra/platform/store/keys';
import { readItem } from '@umbra/platform/store/read-item';
import { mustGet } from '@umbra/shared/assert';
import type { ResultFile } from '@umbra/shared/contracts/result';
import {
  type MergePayload,
  mergePayload,
  type ShardReturn,
  shardReturn,
} from '@umbra/shared/contracts/shard';
import { type ErrorReport, isRetryable, reportError, unavailable } from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';
import type { Job } from 'bullmq';
import { countLoss } from '../jobs/count-loss.js';
import {
  type ImageFailureServices,
  isWritten,
  recordCompletion,
  recordFailure,
} from '../jobs/finish-image.js';
import { isLastAttempt, isStalledOut, parseFailure } from '../runtime/queue-jobs.js';
import type { StepResult, StepWork } from '../runtime/step.js';
import type { WorkerServices } from '../services.js';
import type { RunRows } from '../shards/run-rows.js';
import { type ImageRows, type LostRows, openImageRows } from './image-rows.js';

export type MergeServices = ImageFailureServices &
  Pick<WorkerServices, 'sources' | 'modelCache' | 'scoreLease' | 'config'>;

/** Assemble an image's shards, write its results, count it. Safe to repeat. */
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
  const work =
    failure === undefined
      ? await mergeShards(services, { job, token, image, imageRows })
      : await giveUpShards(services, { image, imageRows }, parseFailure(failure));
  await imageRows.release();
  return { work };
}

/** Workers that a merge may cost before its image fails. */
export const maxMergeLosses = 3;

/** Fail the image of a merge whose workers died of it. */
export async function failUnmerged(
  services: ImageFailureServices,
  job: Job,
  error: Error,
): Promise<StepResult> {
  const image = mergePayload.parse(job.data);
  const failure: ErrorReport = isStalledOut(job)
    ? {
        code: 'poison',
        message: `${nameImage(image)} ended the process that merged it ${maxMergeLosses} times`,
      }
    : parseFailure(error.message);
  return { work: await recordFailure(services, image, failure) };
}

type Merge = {
  readonly job: Job;
  readonly token: string;
  readonly image: MergePayload;
  readonly imageRows: ImageRows;
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
  const { job, image, imageRows } = merge;
  try {
    const rows = await writeResults(services, image, imageRows);
    if ('lost' in rows) return await healShards(services, image, rows);
    await imageRows.keepImage(rows);
  } catch (error) {
    if (isOutage(error) || (!isLastAttempt(job) && isRetryable(error))) throw error;
    await assertLocked(services, merge);
    await imageRows.keepBands();
    return recordFailure(services, image, reportError(error));
  }
  return recordCompletion(services, image);
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

/** @returns All rows of the image, or those that were lost. */
async function writeResults(
  services: MergeServices,
  image: MergePayload,
  imageRows: ImageRows,
): Promise<RunRows | LostRows> {
  const { store, sources, modelCache } = services;
  const { tenant, jobId, dataset, item, settings } = image;
  const model = await modelCache.describe(image.model);
  const { id, name, sha256, width, height, source } = item;
  const plan = planOcclusion(inputSize(model.bundle.input, item), settings);
  const rows = await imageRows.join(plan);
  if ('lost' in rows) return rows;
  const { baseline, faithfulness, provenance, reused, predictedClasses } = rows;
  const files = await composeResult({
    photo: await readItem({ store, sources }, tenant, dataset, item),
    image: { id, name, sha256, width, height, ...(source && { source }) },
    model,
    settings,
    run: {
      plan,
      scores: baseline.targets.map((_, target) =>
        rows.scores.subarray(target * plan.positions, (target + 1) * plan.positions),
      ),
      predictedClasses,
      baseline,
      faithfulness,
    },
    provenance,
    reused,
  });
  const put = (file: ResultFile) =>
    store.put(keys.result(tenant, jobId, id, file), mustGet(files, file));
  // The description last: where it stands, the image is completed.
  const rest = [...files.keys()].filter((file) => file !== 'result.json');
  await Promise.all(rest.map(put));
  await put('result.json');
  return rows;
}
