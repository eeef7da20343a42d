import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { WorkerServices } from '../services.js';
import { type DeliveryServices, queueDelivery } from './queue-delivery.js';

/** Queue the pending deliveries again that were lost with Redis. */
export async function resumeWebhooks(
  services: DeliveryServices & Pick<WorkerServices, 'store'>,
): Promise<void> {
  for await (const { key } of services.store.list(keys.pendingDeliveries())) {
    const marked = matchKey('pendingDelivery', key);
    if (marked === null) continue;
    await queueDelivery(services, { tenant: marked.tenant, id: marked.job }, marked.delivery);
  }
}
