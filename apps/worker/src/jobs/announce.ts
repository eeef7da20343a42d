import { queueJobIds, queueNames, webhookJobOptions } from '@umbra/platform/queues/queues';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { JobEventData } from '@umbra/shared/contracts/event';
import { isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import { newDelivery } from '@umbra/shared/contracts/webhook';
import { reportError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';

/** Tell of a job's new state. Safe to repeat. */
export type PublishJobState = (tenant: string, job: JobRecord) => Promise<void>;

type Announcer = Pick<WorkerServices, 'events' | 'store' | 'webhookQueue' | 'config'>;

/** Those who follow a job live hear of each of its states; its webhook hears of its end. */
export const createJobStatePublisher =
  (services: Announcer): PublishJobState =>
  async (tenant, job) => {
    const { id, state, counts, error } = job;
    await services.events.add(tenant, id, 'state', { state, counts, error });
    if (job.webhook === null || !isFinal(state)) return;
    const told = newDelivery(job, state);
    const key = keys.delivery(tenant, id, told.id);
    if ((await services.store.head(key)) === null) {
      // The mark first: it is taken back once the delivery has ended.
      await services.store.put(keys.pendingDelivery(tenant, id, told.id), '');
      await putJson(services.store, key, told);
    }
    await queueDelivery(services, tenant, id, told.id);
  };

/** Have an event posted. Where it is queued already, that does nothing. */
export async function queueDelivery(
  { webhookQueue, config }: Pick<Announcer, 'webhookQueue' | 'config'>,
  tenant: string,
  jobId: string,
  delivery: string,
): Promise<void> {
  await webhookQueue.add(
    queueNames.webhook,
    { version: 1, tenant, jobId, delivery },
    {
      ...webhookJobOptions(config.UMBRA_WEBHOOK_RETRY_MS),
      jobId: queueJobIds.webhook(delivery, 0),
    },
  );
}

/** Tell that an image is finished; an event that is lost must not fail what is done. */
export async function publishImage(
  { events, logger }: Pick<WorkerServices, 'events' | 'logger'>,
  tenant: string,
  jobId: string,
  image: JobEventData<'image'>,
): Promise<void> {
  await events.add(tenant, jobId, 'image', image).catch((reason: unknown) => {
    logger.warn({ jobId, imageId: image.id, error: reportError(reason) }, 'event lost');
  });
}

/** Tell how far a job is, now and then. */
export async function publishProgress(
  { events, progress, logger }: Pick<WorkerServices, 'events' | 'progress' | 'logger'>,
  tenant: string,
  jobId: string,
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
