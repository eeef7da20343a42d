import { type QueueReport, queueReport } from '@umbra/shared/contracts/queue';
import { forCaller } from '../http/for-caller.js';
import { operation, type Route, route } from '../http/operation.js';
import type { JobStatusServices } from '../jobs/job-status.js';
import type { ApiServices } from '../services.js';
import { listQueuedJobs } from './queued-jobs.js';
import { createShardCounter } from './queued-shards.js';

export const queueOperations = {
  show: operation({
    id: 'getQueue',
    method: 'get',
    path: '/v1/queue',
    tag: 'service',
    scope: 'read',
    summary: "Tell what waits: the queued shards of all tenants, and the tenant's unfinished jobs",
    description:
      'Shards are those that are queued now, as many as keep the workers busy for a while; the images behind them wait with their jobs. Of a job it is told what it waits for, such as its turn, or a worker for its format.',
    answers: {
      200: { description: 'The queue', content: { 'application/json': queueReport } },
    },
  }),
};

/** Routes of the queue that the workers take from. */
export function queueRoutes(
  services: JobStatusServices & Pick<ApiServices, 'store' | 'shardQueues' | 'turns'>,
): Route[] {
  const countShards = createShardCounter(services.shardQueues);
  return [
    route(queueOperations.show, async (call) => {
      const { tenant, response } = call;
      const reading = forCaller(services, call);
      const [shards, jobs] = await services.turns.queries.run(call, () =>
        Promise.all([countShards(), listQueuedJobs(reading, tenant)]),
      );
      response.json({ shards, ...jobs } satisfies QueueReport);
    }),
  ];
}
