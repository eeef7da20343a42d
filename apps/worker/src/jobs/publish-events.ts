import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { BandEvent, JobEventData } from '@umbra/shared/contracts/event';
import { isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import type { Reference } from '@umbra/shared/contracts/reference';
import {
  isLargeResult,
  type MergePayload,
  type ShardResult,
  type ShardReturn,
} from '@umbra/shared/contracts/shard';
import { newDelivery } from '@umbra/shared/contracts/webhook';
import { reportError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';
import { type DeliveryServices, queueDelivery } from '../webhooks/queue-delivery.js';

export type JobStateServices = DeliveryServices &
  Pick<WorkerServices, 'events' | 'store' | 'progress' | 'logger'>;

/**
 * Publish a job's state: as an event to those who follow it live and, if it is final, to its webhook.
 * Safe to repeat.
 */
export async function publishJobState(
  services: JobStateServices,
  tenant: string,
  job: JobRecord,
): Promise<void> {
  const { events, store, logger } = services;
  const { id, state, error } = job;
  try {
    const counts = await latestCounts(services, job);
    await events.add(tenant, id, 'state', { state, counts, error });
  } catch (reason) {
    logger.warn({ jobId: id, error: reportError(reason) }, 'event lost');
  }
  if (job.webhook === null || !isFinal(state)) return;
  const delivery = newDelivery(job, state, new Date());
  const key = keys.delivery(tenant, id, delivery.id);
  if ((await store.head(key)) === null) {
    // The marker first: it is deleted once the delivery has ended.
    await store.put(keys.pendingDelivery(tenant, id, delivery.id), '');
    await putJson(store, key, delivery);
  }
  await queueDelivery(services, { tenant, id }, delivery.id);
}

/** Counts of a job now: its record has those of its end. */
async function latestCounts(
  { progress }: Pick<WorkerServices, 'progress'>,
  { id, state, counts }: JobRecord,
): Promise<JobRecord['counts']> {
  const live = isFinal(state) ? null : await progress.read(id);
  if (live === null) return counts;
  return { total: counts.total, completed: live.completed, failed: live.failed };
}

/** Publish that an image is finished; a lost event must not fail finished work. */
export async function publishImage(
  { events, logger }: Pick<WorkerServices, 'events' | 'logger'>,
  { tenant, id: jobId }: Reference,
  image: JobEventData<'image'>,
): Promise<void> {
  await events.add(tenant, jobId, 'image', image).catch((reason: unknown) => {
    logger.warn({ jobId, imageId: image.id, error: reportError(reason) }, 'event lost');
  });
}

/** Publish the rows that a shard has returned, to those who ask for bands. Best effort. */
export async function publishBand(
  { events, logger }: Pick<WorkerServices, 'events' | 'logger'>,
  { tenant, jobId, item }: MergePayload,
  returned: ShardReturn,
): Promise<void> {
  const { rowStart, rowEnd } = returned;
  const band: BandEvent = {
    ...{ image: item.id, rowStart, rowEnd },
    values: isLargeResult(returned) ? null : valuesOf(returned),
  };
  await events.publishBand(tenant, jobId, band).catch((reason: unknown) => {
    logger.warn({ jobId, imageId: item.id, error: reportError(reason) }, 'event lost');
  });
}

function valuesOf({ baseline, scores, predictedClasses }: ShardResult): BandEvent['values'] {
  const { predicted, targets } = baseline;
  return { predicted, targets, scores, predictedClasses };
}

/** Publish a job's counts, at the rate that the event log admits. */
export async function publishProgress(
  { events, progress, logger }: Pick<WorkerServices, 'events' | 'progress' | 'logger'>,
  { tenant, id: jobId }: Reference,
): Promise<void> {
  const read = async () => {
    const live = await progress.read(jobId);
    if (live === null) return null;
    const { completed, failed, positions } = live;
    return { completed, failed, positions };
  };
  await events.addProgress(tenant, jobId, read).catch((reason: unknown) => {
    logger.warn({ jobId, error: reportError(reason) }, 'event lost');
  });
}
