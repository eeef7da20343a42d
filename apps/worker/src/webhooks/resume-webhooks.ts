import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { queueDelivery } from '../jobs/announce.js';
import type { WorkerServices } from '../services.js';

/** Queue again what a loss of Redis took: an event is posted until it is taken. */
export async function resumeWebhooks(services: WorkerServices): Promise<void> {
  for await (const { key } of services.store.list(keys.pendingDeliveries())) {
    const marked = matchKey('pendingDelivery', key);
    if (marked === null) continue;
    await queueDelivery(services, marked.tenant, marked.job, marked.delivery);
  }
}
