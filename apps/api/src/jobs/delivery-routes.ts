import { queueJobIds, queueNames, webhookJobOptions } from '@umbra/platform/queues/queues';
import { getJson, putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { type Delivery, delivery } from '@umbra/shared/contracts/webhook';
import { AppError } from '@umbra/shared/errors';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { jobParam } from '../http/params.js';
import type { ApiServices } from '../services.js';
import { findJob } from './job-routes.js';

const list = {
  'application/json': z.strictObject({ data: z.array(delivery.omit({ version: true })) }),
} as const;

export const deliveryOperations = {
  list: operation({
    id: 'listDeliveries',
    ...{ method: 'get', path: '/v1/jobs/{job}/deliveries', tag: 'jobs', scope: 'read' },
    summary: "What was posted to a job's webhook, each attempt of it, and what came of it",
    params: jobParam,
    answers: { 200: { description: 'An entry an event', content: list } },
  }),
  redeliver: operation({
    id: 'redeliverWebhook',
    method: 'post',
    path: '/v1/jobs/{job}/deliveries/redeliver',
    ...{ tag: 'jobs', scope: 'submit' },
    summary: "Post the events of a job's webhook again that were not taken",
    params: jobParam,
    answers: { 202: { description: 'They are posted again', content: list } },
    problems: ['conflict'],
  }),
};

export function deliveryRoutes(context: ApiServices): Route[] {
  return [
    route(deliveryOperations.list, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      response.json({ data: await listDeliveries(context, tenant, job) });
    }),
    route(deliveryOperations.redeliver, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      const missing = (await listDeliveries(context, tenant, job)).filter(
        ({ state }) => state !== 'delivered',
      );
      if (missing.length === 0) {
        throw new AppError('conflict', `Job '${job.id}' has no event that was not taken`);
      }
      for (const one of missing) await redeliver(context, tenant, job, one);
      response.status(202).json({ data: await listDeliveries(context, tenant, job) });
    }),
  ];
}

type Listed = Omit<Delivery, 'version'>;

/** Few: an event each time that the job ended. */
async function listDeliveries(
  { store }: ApiServices,
  tenant: string,
  { id }: JobRecord,
): Promise<Listed[]> {
  const found: Listed[] = [];
  for await (const { key } of store.list(keys.deliveries(tenant, id))) {
    const { version: _, ...rest } = await getJson(store, key, delivery);
    found.push(rest);
  }
  return found;
}

async function redeliver(
  { store, webhookQueue, config }: ApiServices,
  tenant: string,
  { id: jobId }: JobRecord,
  one: Listed,
): Promise<void> {
  await putJson(store, keys.delivery(tenant, jobId, one.id), {
    ...{ version: 1, ...one },
    state: 'pending',
  });
  // Beside the one that may wait for its next attempt: who comes second finds it taken.
  await webhookQueue.add(
    queueNames.webhook,
    { version: 1, tenant, jobId, delivery: one.id },
    {
      ...webhookJobOptions(config.UMBRA_WEBHOOK_RETRY_MS),
      jobId: queueJobIds.webhook(one.id, one.attempts.length + 1),
    },
  );
}
