import { createHash } from 'node:crypto';
import { removeDataset } from '@umbra/datasets';
import { inspectImage } from '@umbra/engine';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { type Dataset, type DatasetItem, newDataset } from '@umbra/shared/contracts/dataset';
import type { JobRecord, JobRequest } from '@umbra/shared/contracts/job';
import type { Reference } from '@umbra/shared/contracts/reference';
import { AppError, hasCode } from '@umbra/shared/errors';
import { newDatasetId, newJobId } from '@umbra/shared/ids';
import { releaseQuietly } from '../auth/release-usage.js';
import { markUpload, removeQuietly } from '../datasets/mark-upload.js';
import { cancelJob } from '../jobs/control-job.js';
import { checkRequest, createJob, type JobServices } from '../jobs/create-job.js';
import type { ApiServices } from '../services.js';
import type { HeldImage } from './hold-image.js';
import { onlyImage, waitForImage } from './wait-for-image.js';

export type ExplainServices = JobServices & Pick<ApiServices, 'redis' | 'config' | 'hub' | 'turns'>;

/** An image to explain while its client waits. */
export type ExplainRequest = {
  readonly image: HeldImage;
  readonly name: string;
  readonly request: Omit<JobRequest, 'dataset'>;
  readonly deadlineMs: number;
  /** Aborted when the client disconnects. */
  readonly abandoned: AbortSignal;
};

/**
 * Explain one image while its client waits: a job like any other, ahead of all queued ones.
 *
 * @returns The job, whose image is finished.
 * @throws {AppError} The image's own error; `deadline_exceeded`, and then the job is cancelled.
 */
export async function explainImage(
  services: ExplainServices,
  tenant: string,
  asked: ExplainRequest,
): Promise<JobRecord> {
  const job = await createImageJob(services, tenant, asked);
  const deadline = AbortSignal.timeout(asked.deadlineMs);
  try {
    const signal = AbortSignal.any([deadline, asked.abandoned]);
    await waitForImage(services, { tenant, id: job.id }, signal);
    return job;
  } catch (error) {
    if (!deadline.aborted && !asked.abandoned.aborted) throw error;
    await cancelJob(services, tenant, job).catch((reason: unknown) => {
      // It ended in the meantime.
      if (!hasCode(reason, 'conflict')) throw reason;
    });
    throw new AppError(
      'deadline_exceeded',
      `Expected an answer within ${asked.deadlineMs / 1000} s; job '${job.id}' was cancelled`,
    );
  }
}

/** Store the image as a dataset of its own and create its job; a failure leaves neither. */
async function createImageJob(
  services: ExplainServices,
  tenant: string,
  asked: ExplainRequest,
): Promise<JobRecord> {
  const id = newJobId();
  const reference = { tenant, id: newDatasetId() };
  const marker = await markUpload(services, reference, { job: id }).catch((error: unknown) => {
    asked.image.release();
    throw error;
  });
  try {
    const job = await createMarkedJob(services, reference, asked, id);
    await removeQuietly(marker);
    return job;
  } catch (error) {
    // No job reads the dataset.
    await removeDataset(services.store, tenant, newDataset(reference.id, new Date()))
      .then(marker.remove)
      .catch(marker.leave);
    await releaseQuietly(services.usage.releaseDataset(tenant, reference.id));
    throw error;
  }
}

async function createMarkedJob(
  services: ExplainServices,
  dataset: Reference,
  asked: ExplainRequest,
  id: string,
): Promise<JobRecord> {
  const { tenant } = dataset;
  await storeImage(services, dataset, asked).finally(asked.image.release);
  const request = { ...asked.request, dataset: dataset.id };
  const checked = await checkRequest(services, tenant, request);
  return createJob(services, tenant, checked, { id, interactive: true });
}

/** Store an image as a dataset of its own, which is deleted with its job. */
async function storeImage(
  { store, config, usage, readTenant }: ExplainServices,
  { tenant, id }: Reference,
  { image: held, name }: ExplainRequest,
): Promise<void> {
  const image = held.bytes();
  const limits = { maxPixels: config.UMBRA_MAX_IMAGE_PIXELS };
  const { width, height } = await inspectImage(image, limits);
  const sha256 = createHash('sha256').update(image).digest('hex');
  const bytes = image.length;
  const item: DatasetItem = { version: 1, id: onlyImage, name, sha256, bytes, width, height };
  const empty = newDataset(id, new Date());
  const dataset: Dataset = {
    ...empty,
    state: 'ready',
    readyAt: empty.createdAt,
    images: 1,
    bytes,
  };
  const { quotas } = await readTenant(tenant);
  await usage.reserveDataset(tenant, quotas, id, { images: 1, bytes });
  await store.put(keys.image(tenant, id, sha256), image);
  await store.put(keys.manifest(tenant, id), `${JSON.stringify(item)}\n`);
  await putJson(store, keys.dataset(tenant, id), dataset);
}
