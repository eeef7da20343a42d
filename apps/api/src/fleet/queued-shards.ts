import { shardQueues } from '@umbra/platform/queues/names';
import { createLoadingCache } from '@umbra/shared/cache';
import type { QueueReport } from '@umbra/shared/contracts/queue';
import { unavailable } from '@umbra/shared/errors';
import type { Queue } from 'bullmq';
import { withinQueueTimeout } from '../http/queue-timeout.js';
import type { ApiServices } from '../services.js';

type QueuedShards = QueueReport['shards'];

/** How long requests share what was counted. */
const freshMs = 1_000;
const shardQueueNames = Object.keys(shardQueues) as readonly (keyof typeof shardQueues)[];

/** @returns Counts the shards of each queue. It rejects with `unavailable` while Redis is down. */
export function createShardCounter(
  queues: ApiServices['shardQueues'],
): () => Promise<QueuedShards> {
  const counted = createLoadingCache<QueuedShards>({ maxEntries: 1, ttlMs: freshMs });
  const count = async (): Promise<QueuedShards> => {
    try {
      return await withinQueueTimeout(
        Promise.all(
          shardQueueNames.map(async (name) => ({
            formats: [...shardQueues[name]],
            ...(await countShards(queues[name])),
          })),
        ),
      );
    } catch (error) {
      throw unavailable('The queue (Redis) cannot be reached', error);
    }
  };
  return () => counted.load('all', count);
}

async function countShards(queue: Queue) {
  const [counts, first] = await Promise.all([
    queue.getJobCounts('wait', 'prioritized', 'active'),
    // The next of those without a priority, and the next of the others.
    queue.getJobs(['wait', 'prioritized'], 0, 0, true),
  ]);
  const { wait = 0, prioritized = 0, active = 0 } = counts;
  const sinceMs = first.map(({ timestamp }) => timestamp);
  return {
    waiting: wait + prioritized,
    running: active,
    oldestAt: sinceMs.length === 0 ? null : new Date(Math.min(...sinceMs)).toISOString(),
  };
}
