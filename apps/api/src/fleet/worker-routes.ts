import type { WorkerAtWork } from '@umbra/platform/redis/worker-registry';
import { type ListedWorker, listedWorker } from '@umbra/shared/contracts/worker';
import { z } from 'zod';
import { type Identity, isOperator } from '../http/identity.js';
import { operation, type Route, route } from '../http/operation.js';
import type { ApiServices } from '../services.js';

export const workerOperations = {
  list: operation({
    id: 'listWorkers',
    method: 'get',
    path: '/v1/workers',
    tag: 'service',
    scope: 'read',
    summary: 'List the live workers: the model formats that they run, and what they run now',
    description:
      "What a worker runs is as of its last heartbeat, some seconds ago. It is told of the tenant's own work; of other tenants' only how much there is, unless an admin key of the tenant `default` asks.",
    answers: {
      200: {
        description: 'Workers with a recent heartbeat',
        content: { 'application/json': z.strictObject({ data: z.array(listedWorker) }) },
      },
    },
  }),
};

/** Routes of the workers that run models. */
export function workerRoutes({ workerRegistry }: Pick<ApiServices, 'workerRegistry'>): Route[] {
  return [
    route(workerOperations.list, async ({ identity, response }) => {
      const workers = await workerRegistry.listAtWork();
      response.json({ data: workers.map((one) => showTo(identity, one)) });
    }),
  ];
}

/** A worker as somebody may see it. */
export function showTo(
  asking: Pick<Identity, 'tenant' | 'scopes'>,
  { worker, running }: WorkerAtWork,
): ListedWorker {
  const seesAll = isOperator(asking);
  const seen = running.filter(({ tenant }) => seesAll || tenant === asking.tenant);
  return { ...worker, running: seen, othersRunning: running.length - seen.length };
}
