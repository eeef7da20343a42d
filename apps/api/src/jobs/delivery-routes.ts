import { enqueueWebhook } from '@umbra/platform/queues/enqueue';
import { getJson, putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Reference } from '@umbra/shared/contracts/reference';
import {
  assertWebhookSecret,
  type Delivery,
  delivery,
  newWebhookSecret,
  rotationRequest,
  type WebhookSecret,
  webhookSecret,
} from '@umbra/shared/contracts/webhook';
import { AppError } from '@umbra/shared/errors';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { jobParam } from '../http/params.js';
import type { ApiServices } from '../services.js';
import { findJob } from './find-job.js';

const deliveries = {
  'application/json': z.strictObject({ data: z.array(delivery.omit({ version: true })) }),
} as const;

export const deliveryOperations = {
  list: operation({
    id: 'listDeliveries',
    method: 'get',
    path: '/v1/jobs/{job}/deliveries',
    tag: 'jobs',
    scope: 'read',
    summary: "List the events posted to a job's webhook, with every attempt and its outcome",
    params: jobParam,
    answers: { 200: { description: 'One entry an event', content: deliveries } },
  }),
  redeliver: operation({
    id: 'redeliverWebhook',
    method: 'post',
    path: '/v1/jobs/{job}/deliveries/redeliver',
    tag: 'jobs',
    scope: 'submit',
    summary: "Post the undelivered events of a job's webhook again",
    params: jobParam,
    answers: { 202: { description: 'They are posted again', content: deliveries } },
    problems: ['conflict'],
  }),
  rotateSecret: operation({
    id: 'rotateWebhookSecret',
    method: 'post',
    path: '/v1/jobs/{job}/webhook/rotate-secret',
    tag: 'jobs',
    scope: 'submit',
    summary: "Replace the secret of a job's webhook; the one before signs as well for a time",
    params: jobParam,
    body: rotationRequest,
    bodyOptional: true,
    answers: {
      200: {
        description: 'Deliveries are signed with the new secret, which is returned only once',
        content: {
          'application/json': z.strictObject({
            /** The new secret, unless the request had it. */
            webhookSecret: z.string().optional(),
            previousUntil: z.iso.datetime(),
          }),
        },
      },
    },
    problems: ['conflict'],
  }),
};

type RedeliveryServices = Pick<ApiServices, 'store' | 'webhookQueue' | 'config'>;

/** Routes of what was posted to a job's webhook. */
export function deliveryRoutes(services: RedeliveryServices): Route[] {
  const { store } = services;
  return [
    route(deliveryOperations.list, async ({ tenant, params, response }) => {
      const { id } = await findJob(services, tenant, params.job);
      response.json({ data: await listDeliveries(store, { tenant, id }) });
    }),
    route(deliveryOperations.redeliver, async ({ tenant, params, response }) => {
      const { id } = await findJob(services, tenant, params.job);
      const job = { tenant, id };
      const all = await listDeliveries(store, job);
      const undelivered = all.filter(({ state }) => state !== 'delivered');
      if (undelivered.length === 0) {
        throw new AppError('conflict', `Job '${id}' has no undelivered event`);
      }
      for (const one of undelivered) await redeliver(services, job, one);
      response.status(202).json({ data: await listDeliveries(store, job) });
    }),
    route(deliveryOperations.rotateSecret, async ({ tenant, params, body, response }) => {
      const { id, webhook } = await findJob(services, tenant, params.job);
      if (webhook === null) throw new AppError('conflict', `Job '${id}' has no webhook`);
      const rotated = await rotateSecret(store, { tenant, id }, body);
      response.json({
        ...(body.secret === undefined ? { webhookSecret: rotated.secret } : {}),
        previousUntil: rotated.previous.until,
      });
    }),
  ];
}

/** Replace a webhook's secret. @throws {AppError} `invalid_input` */
async function rotateSecret(
  store: ObjectStore,
  { tenant, id }: Reference,
  { secret = newWebhookSecret(), graceSeconds }: z.output<typeof rotationRequest>,
) {
  assertWebhookSecret(secret);
  const key = keys.webhookSecret(tenant, id);
  const before = await getJson(store, key, webhookSecret);
  const until = new Date(Date.now() + graceSeconds * 1_000).toISOString();
  const rotated = { secret, previous: { secret: before.secret, until } };
  await putJson(store, key, rotated satisfies WebhookSecret);
  return rotated;
}

type ListedDelivery = Omit<Delivery, 'version'>;

/** List a job's deliveries, which are few: one event each time that the job ended. */
async function listDeliveries(
  store: ObjectStore,
  { tenant, id }: Reference,
): Promise<ListedDelivery[]> {
  const found: ListedDelivery[] = [];
  for await (const { key } of store.list(keys.deliveries(tenant, id))) {
    const { version: _, ...rest } = await getJson(store, key, delivery);
    found.push(rest);
  }
  return found;
}

async function redeliver(
  { store, webhookQueue, config }: RedeliveryServices,
  { tenant, id: jobId }: Reference,
  one: ListedDelivery,
): Promise<void> {
  const pending: Delivery = { ...one, version: 1, state: 'pending' };
  await putJson(store, keys.delivery(tenant, jobId, one.id), pending);
  // A queue job that waits for its next attempt may exist as well: the second to run finds it delivered.
  await enqueueWebhook(webhookQueue, {
    tenant,
    jobId,
    delivery: one.id,
    round: one.attempts.length + 1,
    retryMs: config.UMBRA_WEBHOOK_RETRY_MS,
  });
}
