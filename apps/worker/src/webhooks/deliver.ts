import { findJobRecord } from '@umbra/platform/store/job-records';
import { getJson, putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { webhookPayload } from '@umbra/shared/contracts/shard';
import {
  type Delivery,
  delivery,
  keptAttempts,
  secretsAt,
  type WebhookSecret,
  webhookSecret,
} from '@umbra/shared/contracts/webhook';
import { hasCode } from '@umbra/shared/errors';
import { type Job, UnrecoverableError } from 'bullmq';
import { Webhook } from 'standardwebhooks';
import { isLastAttempt } from '../runtime/queue-jobs.js';
import type { StepResult } from '../runtime/step.js';
import type { WorkerServices } from '../services.js';
import { post } from './post.js';

/**
 * Post an event of a job to its webhook, and record the attempt. BullMQ repeats it until the receiver
 * accepts it; the receiver recognises repetitions by their id.
 *
 * @see https://www.standardwebhooks.com
 */
export async function runWebhook(
  services: Pick<WorkerServices, 'store' | 'config' | 'logger'>,
  queued: Job,
): Promise<StepResult> {
  const { tenant, jobId, delivery: id } = webhookPayload.parse(queued.data);
  const { store, config, logger } = services;
  const key = keys.delivery(tenant, jobId, id);
  const found = await readDelivery(store, key);
  const url = (await findJobRecord(store, tenant, jobId))?.webhook?.url;
  // Delivered already, or deleted with its job.
  if (found === null || url === undefined || found.state !== 'pending') {
    await store.delete(keys.pendingDelivery(tenant, jobId, id));
    return {};
  }
  const secrets = await getJson(store, keys.webhookSecret(tenant, jobId), webhookSecret);
  const allowPrivate = config.UMBRA_WEBHOOK_ALLOW_PRIVATE;
  const attempt = await tryPost({ url, secrets, id, event: found.event, allowPrivate });
  const { status, error } = attempt;
  const isRefused = status === 410;
  const state =
    error === null ? 'delivered' : isLastAttempt(queued) || isRefused ? 'failed' : 'pending';
  const attempts = [...found.attempts, attempt].slice(-keptAttempts);
  await putJson(store, key, { ...found, state, attempts });
  if (state !== 'pending') await store.delete(keys.pendingDelivery(tenant, jobId, id));
  logger.info({ jobId, delivery: id, status, state }, 'webhook posted');
  if (error === null) return {};
  // 410 Gone: the receiver refuses all further attempts.
  throw isRefused ? new UnrecoverableError(error) : new Error(error);
}

type SignedEvent = {
  readonly url: string;
  readonly secrets: WebhookSecret;
  readonly id: string;
  readonly event: Delivery['event'];
  readonly allowPrivate: boolean;
};

/** Sign an event and post it. Never rejects: the attempt has the error. */
async function tryPost({
  url,
  secrets,
  id,
  event,
  allowPrivate,
}: SignedEvent): Promise<Delivery['attempts'][number]> {
  const at = new Date();
  const body = JSON.stringify(event);
  let status: number | null = null;
  let error: string | null = null;
  try {
    status = await post({
      url,
      body,
      allowPrivate,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'umbra-webhooks',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        // Receivers that have either secret of a rotation find theirs.
        'webhook-signature': secretsAt(secrets, at)
          .map((secret) => new Webhook(secret).sign(id, at, body))
          .join(' '),
      },
    });
    if (status < 200 || status > 299) error = `Expected a status of 200 to 299, got ${status}`;
  } catch (reason) {
    error = reason instanceof Error ? reason.message.slice(0, 200) : 'unknown';
  }
  return { at: at.toISOString(), status, milliseconds: Date.now() - at.getTime(), error };
}

/** @returns null where it was deleted with its job. */
const readDelivery = (store: ObjectStore, key: string): Promise<Delivery | null> =>
  getJson(store, key, delivery).catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });
