import { queueJobIds, queueNames, webhookJobOptions } from '@umbra/platform/queues/queues';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { WorkerServices } from '../services.js';

export type DeliveryServices = Pick<WorkerServices, 'webhookQueue' | 'config'>;

/** Queue the delivery of a job's event; one that is queued already is not queued twice. */
export async function queueDelivery(
  { webhookQueue, config }: DeliveryServices,
  { tenant, id: jobId }: Reference,
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
