import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { queueDelivery } from '../jobs/announce.js';
import type { Context } from '../services.js';

/** Queue again what a loss of Redis took: an event is posted until it is taken. */
export async function resumeWebhooks(context: Context): Promise<void> {
  for await (const { key } of context.store.list(keys.pendingDeliveries())) {
    const marked = matchKey('pendingDelivery', key);
    if (marked === null) continue;
    await queueDelivery(context, marked.tenant, marked.job, marked.delivery);
  }
}
