import { enqueueWebhook } from '@umbra/platform/queues/enqueue';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { WorkerServices } from '../services.js';

export type DeliveryServices = Pick<WorkerServices, 'webhookQueue' | 'config'>;

/** Queue the delivery of a job's event; one that is queued already is not queued twice. */
export async function queueDelivery(
  { webhookQueue, config }: DeliveryServices,
  { tenant, id: jobId }: Reference,
  delivery: string,
): Promise<void> {
  const retryMs = config.UMBRA_WEBHOOK_RETRY_MS;
  await enqueueWebhook(webhookQueue, { tenant, jobId, delivery, round: 0, retryMs });
}
