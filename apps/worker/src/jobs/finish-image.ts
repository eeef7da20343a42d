import { findJobRecord } from '@umbra/platform/store/job-records';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { makeRow } from '@umbra/platform/store/make-row';
import { isFinal } from '@umbra/shared/contracts/job';
import { failedRow } from '@umbra/shared/contracts/row';
import type { MergePayload } from '@umbra/shared/contracts/shard';
import type { ErrorReport } from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';
import type { StepWork } from '../runtime/step.js';
import type { WorkerServices } from '../services.js';
import { publishImage } from './publish-events.js';

export type ImageServices = Pick<WorkerServices, 'store' | 'progress' | 'events' | 'logger'>;

/**
 * Count an image whose results are stored, and publish that.
 *
 * @param seconds Time that its scores took; null where that is not known any more.
 * @returns The image, if it is new.
 */
export async function recordCompletion(
  { store, progress, events, logger }: ImageServices,
  { tenant, jobId, item, attempt }: MergePayload,
  seconds: number | null = null,
): Promise<StepWork> {
  const job = { tenant, id: jobId, attempt };
  const row = await makeRow(store, job, item.id, { state: 'completed', seconds });
  const isNew = await progress.finishImage(jobId, imageIndexOf(item.id), 'completed', row);
  if (isNew) {
    const image = { id: item.id, state: 'completed', error: null } as const;
    await publishImage({ events, logger }, { tenant, id: jobId }, image);
  }
  logger.info({ jobId, imageId: item.id }, 'image completed');
  return isNew ? { tenant, image: 'completed' } : { tenant };
}

/** Whether an image's results are complete in the store. */
export const isWritten = async (
  { store }: Pick<WorkerServices, 'store'>,
  { tenant, jobId, item }: MergePayload,
): Promise<boolean> =>
  (await store.head(keys.result(tenant, jobId, item.id, 'result.json'))) !== null;

/**
 * Record that an image failed; its job continues. Does nothing where the job has ended or was started
 * again: that attempt decides. One whose results are written is complete, whatever failed after that.
 *
 * @returns The image, if it is new.
 */
export async function recordFailure(
  services: ImageServices,
  image: MergePayload,
  error: ErrorReport,
): Promise<StepWork> {
  const { store, progress, events, logger } = services;
  const { tenant, jobId, item, attempt } = image;
  const job = await findJobRecord(store, tenant, jobId);
  if (job === null || isFinal(job.state) || job.attempt !== attempt) return { tenant };
  if (await isWritten({ store }, image)) {
    return recordCompletion(services, image);
  }
  await putJson(store, keys.error(tenant, jobId, item.id), error);
  const row = JSON.stringify(failedRow(attempt, item.id, error));
  const isNew = await progress.finishImage(jobId, imageIndexOf(item.id), 'failed', row);
  if (isNew) {
    const failed = { id: item.id, state: 'failed', error } as const;
    await publishImage({ events, logger }, { tenant, id: jobId }, failed);
  }
  logger.warn({ jobId, imageId: item.id, error }, 'image failed');
  return isNew ? { tenant, image: 'failed' } : { tenant };
}
