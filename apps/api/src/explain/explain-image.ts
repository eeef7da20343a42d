import { createHash } from 'node:crypto';
import { inspectImage } from '@umbra/engine';
import { deleteDataset, findJobRecord } from '@umbra/platform/store/delete';
import { getJson, putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { type Dataset, type DatasetItem, errorReport } from '@umbra/shared/contracts/dataset';
import { isFinal, type JobRecord, type JobRequest } from '@umbra/shared/contracts/job';
import { AppError, hasCode } from '@umbra/shared/errors';
import { imageIdAt, newDatasetId } from '@umbra/shared/ids';
import { releaseQuietly } from '../auth/release-usage.js';
import { cancelJob } from '../jobs/control-job.js';
import { checkRequest, createJob } from '../jobs/create-job.js';
import type { ApiServices } from '../services.js';
import type { HeldImage } from './memory-budget.js';

export type Question = {
  readonly image: HeldImage;
  readonly name: string;
  readonly request: Omit<JobRequest, 'dataset'>;
  readonly deadlineMs: number;
  /** Aborted when nobody waits any more. */
  readonly abandoned: AbortSignal;
};

export const onlyImage = imageIdAt(0);

/**
 * Explain one image while somebody waits: a job like any other, before all others in the queue.
 *
 * @returns The job, whose image is finished.
 * @throws {AppError} The image's own error; `deadline_exceeded`, and then the job is cancelled.
 */
export async function explainImage(
  context: ApiServices,
  tenant: string,
  question: Question,
): Promise<JobRecord> {
  const dataset = await storeImage(context, tenant, question).finally(question.image.release);
  let job: JobRecord;
  try {
    const request = { ...question.request, dataset: dataset.id };
    const checked = await checkRequest(context, tenant, request);
    job = await createJob(context, tenant, checked, { interactive: true });
  } catch (error) {
    // Nothing will ever read it.
    await deleteDataset(context.store, tenant, dataset);
    await releaseQuietly(context.usage.releaseDataset(tenant, dataset.id));
    throw error;
  }
  const deadline = AbortSignal.timeout(question.deadlineMs);
  try {
    await waitForImage(context, tenant, job.id, AbortSignal.any([deadline, question.abandoned]));
    return job;
  } catch (error) {
    if (!deadline.aborted && !question.abandoned.aborted) throw error;
    await cancelJob(context, tenant, job).catch((reason: unknown) => {
      // It ended in the meantime.
      if (!hasCode(reason, 'conflict')) throw reason;
    });
    throw new AppError(
      'deadline_exceeded',
      `Expected an answer within ${question.deadlineMs / 1000} s; job '${job.id}' was cancelled`,
    );
  }
}

/** A dataset of one image; it is deleted with its job. */
async function storeImage(
  { store, config, usage, readTenant }: ApiServices,
  tenant: string,
  { image: held, name }: Question,
): Promise<Dataset> {
  const image = held.bytes();
  const limits = { maxPixels: config.UMBRA_MAX_IMAGE_PIXELS };
  const { width, height } = await inspectImage(image, limits);
  const sha256 = createHash('sha256').update(image).digest('hex');
  const id = newDatasetId();
  const bytes = image.length;
  const facts = { name, sha256, bytes, width, height };
  const item: DatasetItem = { version: 1, id: onlyImage, ...facts };
  const now = new Date().toISOString();
  const dataset: Dataset = {
    ...{ version: 2, id, state: 'ready', metadata: {}, createdAt: now, readyAt: now },
    ...{ failedAt: null, images: 1, bytes, refused: 0, duplicates: 0, labelled: 0, error: null },
  };
  const { quotas } = await readTenant(tenant);
  await usage.reserveDataset(tenant, quotas, id, { images: 1, bytes });
  await store.put(keys.image(tenant, id, sha256), image);
  await store.put(keys.manifest(tenant, id), `${JSON.stringify(item)}\n`);
  await putJson(store, keys.dataset(tenant, id), dataset);
  return dataset;
}

/** Wait, by what is heard and without asking, until the job's image is finished. */
async function waitForImage(
  context: ApiServices,
  tenant: string,
  jobId: string,
  signal: AbortSignal,
): Promise<void> {
  let stop = () => {};
  let isOver = false;
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      if (signal.aborted) reject(signal.reason);
      const look = () => {
        lookForImage(context, tenant, jobId).then((isThere) => isThere && resolve(), reject);
      };
      const listener = {
        event: ({ name }: { name: string }) => name !== 'progress' && look(),
        lost: look,
        beat: () => undefined,
        end: () => reject(new AppError('unavailable', 'The service is being stopped')),
      };
      context.hub.follow(tenant, jobId, listener).then((unfollow) => {
        stop = unfollow;
        // Nobody waited for that to begin.
        if (isOver) return stop();
        // It may have ended before it was followed.
        look();
      }, reject);
    });
  } finally {
    isOver = true;
    stop();
  }
}

/**
 * @returns Whether the image is finished.
 * @throws {AppError} Why it failed, or its job did.
 */
async function lookForImage(
  { store }: ApiServices,
  tenant: string,
  jobId: string,
): Promise<boolean> {
  if ((await store.head(keys.result(tenant, jobId, onlyImage, 'result.json'))) !== null)
    return true;
  const failed = await getJson(store, keys.error(tenant, jobId, onlyImage), errorReport).catch(
    (error: unknown) => {
      if (hasCode(error, 'not_found')) return null;
      throw error;
    },
  );
  if (failed !== null) throw new AppError(failed.code, failed.message);
  const job = await findJobRecord(store, tenant, jobId);
  if (job === null || !isFinal(job.state)) return false;
  if (job.state === 'expired') throw new AppError('deadline_exceeded', `Job '${jobId}' expired`);
  const { code, message } = job.error ?? { code: 'cancelled', message: `Job '${jobId}' ended` };
  throw new AppError(code, message);
}
