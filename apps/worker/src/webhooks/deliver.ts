import { findJobRecord } from '@umbra/platform/store/delete';
import { getJson, putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { webhookPayload } from '@umbra/shared/contracts/shard';
import {
  type Delivery,
  delivery,
  keptAttempts,
  webhookSecret,
} from '@umbra/shared/contracts/webhook';
import { hasCode } from '@umbra/shared/errors';
import { type Job, UnrecoverableError } from 'bullmq';
import { Webhook } from 'standardwebhooks';
import type { WorkerServices } from '../services.js';
import { post } from './post.js';

/**
 * Post an event of a job to its webhook, and note what came of it. Repeated by the queue until it is
 * taken: a receiver tells repetitions by their id.
 *
 * @see https://www.standardwebhooks.com
 */
export async function runWebhook(services: WorkerServices, queued: Job): Promise<void> {
  const { tenant, jobId, delivery: id } = webhookPayload.parse(queued.data);
  const { store, config, logger } = services;
  const found = await readDelivery(services, tenant, jobId, id);
  const url = (await findJobRecord(store, tenant, jobId))?.webhook?.url;
  // Taken already, or deleted with its job.
  if (found === null || url === undefined || found.state !== 'pending') {
    await store.delete(keys.pendingDelivery(tenant, jobId, id));
    return;
  }
  const { secret } = await getJson(store, keys.webhookSecret(tenant, jobId), webhookSecret);
  const at = new Date();
  const body = JSON.stringify(found.event);
  let status: number | null = null;
  let error: string | null = null;
  try {
    status = await post({
      ...{ url, body, allowPrivate: config.UMBRA_WEBHOOK_ALLOW_PRIVATE },
      headers: {
        'content-type': 'application/json',
        'user-agent': 'umbra-webhooks',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(secret).sign(id, at, body),
      },
    });
    if (status < 200 || status > 299) error = `Expected a status of 200 to 299, got ${status}`;
  } catch (reason) {
    error = reason instanceof Error ? reason.message.slice(0, 200) : 'unknown';
  }
  const isLast = queued.attemptsMade + 1 >= (queued.opts.attempts ?? 1);
  const isRefused = status === 410;
  const state = error === null ? 'delivered' : isLast || isRefused ? 'failed' : 'pending';
  const milliseconds = Date.now() - at.getTime();
  const attempt = { at: at.toISOString(), status, milliseconds, error };
  const attempts = [...found.attempts, attempt].slice(-keptAttempts);
  await putJson(store, keys.delivery(tenant, jobId, id), { ...found, state, attempts });
  if (state !== 'pending') await store.delete(keys.pendingDelivery(tenant, jobId, id));
  logger.info({ jobId, delivery: id, status, state }, 'webhook posted');
  if (error === null) return;
  // Gone, as the receiver says: it wants no more of them.
  throw isRefused ? new UnrecoverableError(error) : new Error(error);
}

/** @returns null where it was deleted with its job. */
async function readDelivery(
  { store }: WorkerServices,
  tenant: string,
  jobId: string,
  id: string,
): Promise<Delivery | null> {
  return getJson(store, keys.delivery(tenant, jobId, id), delivery).catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });
}
