import { composeResult, inputSize, planOcclusion } from '@umbra/engine';
import { findJobRecord } from '@umbra/platform/store/delete';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { errorReport } from '@umbra/shared/contracts/dataset';
import { isFinal } from '@umbra/shared/contracts/job';
import type { ResultFile } from '@umbra/shared/contracts/result';
import {
  type MergePayload,
  mergePayload,
  type ShardReturn,
  shardReturn,
} from '@umbra/shared/contracts/shard';
import {
  AppError,
  type ErrorReport,
  hasCode,
  reportError,
  unavailable,
} from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';
import type { Job } from 'bullmq';
import { publishImage } from '../jobs/announce.js';
import type { WorkerServices } from '../services.js';
import { readImage } from '../shards/read-image.js';
import type { RunRows } from '../shards/reuse.js';
import { joinShards, keepGood, keepWhole, readShards, tidy } from './merge-rows.js';

/** Assemble an image's shards, write its results, count it. Safe to repeat. */
export async function runMerge(services: WorkerServices, job: Job, token = ''): Promise<void> {
  const image = mergePayload.parse(job.data);
  const [failure] = Object.values(await job.getIgnoredChildrenFailures());
  const returned = Object.values(await job.getChildrenValues()).map((value) =>
    shardReturn.parse(value),
  );
  if (failure !== undefined) {
    const error = parseFailure(failure);
    await keepGood(services, image, returned);
    // Of a cancelled job: the image is neither finished nor failed.
    if (error.code === 'cancelled' && (await services.progress.isCancelled(image.jobId))) {
      await services.progress.dropImage(image.jobId, imageIndexOf(image.item.id));
    } else await recordFailure(services, image, error);
    return tidy(services, image, returned);
  }
  try {
    const shards = await readShards(services, image, returned);
    const rows = await writeResults(services, image, shards);
    await keepWhole(services, image, rows);
  } catch (error) {
    if (await isWritten(services, image, error)) return finish(services, image, returned);
    const lastAttempt = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
    if (!lastAttempt && !(error instanceof AppError && !error.retryable)) throw error;
    await assertHeld(services, job, token);
    await keepGood(services, image, returned);
    await recordFailure(services, image, reportError(error));
    return tidy(services, image, returned);
  }
  await finish(services, image, returned);
}

/** Whether this merge was at its end before, and then took away what it is made of. */
async function isWritten(
  { store }: WorkerServices,
  { tenant, jobId, item }: MergePayload,
  error: unknown,
): Promise<boolean> {
  if (!hasCode(error, 'not_found')) return false;
  return (await store.head(keys.result(tenant, jobId, item.id, 'result.json'))) !== null;
}

/** The image is done: count it, tell of it, and let go of its rows. */
async function finish(
  services: WorkerServices,
  image: MergePayload,
  returned: readonly ShardReturn[],
): Promise<void> {
  const { tenant, jobId, item } = image;
  if (await services.progress.finishImage(jobId, imageIndexOf(item.id), 'completed')) {
    await publishImage(services, tenant, jobId, { id: item.id, state: 'completed', error: null });
  }
  services.logger.info({ jobId, imageId: item.id }, 'image completed');
  await tidy(services, image, returned);
}

/**
 * Where Redis came back empty, the shards of this merge are gone with its lock: that the image is
 * without them says nothing of it, and the job is taken up again from the store.
 *
 * @throws {AppError} `unavailable` if another worker may have this merge.
 */
async function assertHeld({ config }: WorkerServices, job: Job, token: string): Promise<void> {
  const held = await job.extendLock(token, config.UMBRA_LOCK_MS).catch(() => 0);
  if (held !== 1) throw unavailable('The queue no longer knows of this merge');
}

/** A merge that ended without its step, since its workers died of it: the image failed. */
export async function failUnmerged(
  services: WorkerServices,
  job: Job,
  error: Error,
): Promise<void> {
  await recordFailure(services, mergePayload.parse(job.data), parseFailure(error.message));
}

/** The image failed; the job goes on. Not where that has ended, or was begun again: that run says more. */
export async function recordFailure(
  services: WorkerServices,
  { tenant, jobId, item, attempt }: MergePayload,
  error: ErrorReport,
): Promise<void> {
  const { store, progress, logger } = services;
  const job = await findJobRecord(store, tenant, jobId);
  if (job === null || isFinal(job.state) || job.attempt !== attempt) return;
  await putJson(store, keys.error(tenant, jobId, item.id), error);
  if (await progress.finishImage(jobId, imageIndexOf(item.id), 'failed')) {
    await publishImage(services, tenant, jobId, { id: item.id, state: 'failed', error });
  }
  logger.warn({ jobId, imageId: item.id, error }, 'image failed');
}

/** @returns All rows of the image. */
async function writeResults(
  services: WorkerServices,
  image: MergePayload,
  shards: readonly RunRows[],
): Promise<RunRows> {
  const { store, modelCache } = services;
  const { tenant, jobId, dataset, item, settings } = image;
  const model = await modelCache.describe(image.model);
  const { id, name, sha256, width, height, source } = item;
  const plan = planOcclusion(inputSize(model.bundle.input, { width, height }), settings);
  const rows = joinShards(shards, plan, id);
  const { baseline, faithfulness, provenance, reused } = rows;
  const files = await composeResult({
    photo: await readImage(services, tenant, dataset, item),
    image: { id, name, sha256, width, height, ...(source && { source }) },
    model,
    settings,
    run: {
      plan,
      scores: baseline.targets.map((_, at) =>
        rows.scores.subarray(at * plan.positions, (at + 1) * plan.positions),
      ),
      predictedClasses: rows.predictedClasses,
      baseline,
      faithfulness,
    },
    provenance,
    reused,
  });
  const put = (file: ResultFile, bytes: Buffer) =>
    store.put(keys.result(tenant, jobId, id, file), bytes);
  // The description last: where it stands, the image is done.
  const rest = [...files].filter(([file]) => file !== 'result.json');
  await Promise.all(rest.map(([file, bytes]) => put(file, bytes)));
  await put('result.json', files.get('result.json') ?? Buffer.alloc(0));
  return rows;
}

function parseFailure(reason: unknown): ErrorReport {
  const text = String(reason);
  try {
    const parsed = errorReport.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // Not ours: the queue's own words, such as a shard that stalled too often.
  }
  return { code: 'internal', message: text };
}
