import { queueNames, queueOptions } from '@umbra/platform/queues/names';
import type { Logger } from '@umbra/platform/telemetry/logger';
import { measureRedis } from '@umbra/platform/telemetry/measure-redis';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { Gauge, type Registry } from 'prom-client';
import type { Backlog } from './backlog.js';

export type QueueMetrics = { refresh(): Promise<void>; close(): Promise<void> };

export type QueueMetricsOptions = {
  readonly registry: Registry;
  /** Connection whose commands fail at once while Redis is down. */
  readonly redis: Redis;
  readonly readBacklog: () => Promise<Backlog>;
  readonly logger: Logger;
};

/** How long scrapes of one process share what was read. */
const freshMs = 2_000;
const states = ['wait', 'active', 'delayed', 'prioritized', 'waiting-children'] as const;

/**
 * Measures how much work is queued. Every API process reports the same, so queries take the maximum. A value
 * that cannot be read is left out: a stale one would make an autoscaler add or remove workers.
 */
export function createQueueMetrics(options: QueueMetricsOptions): QueueMetrics {
  const { registry, redis, readBacklog, logger } = options;
  const gauge = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const up = gauge('umbra_backlog_up', '1 if the backlog could be read');
  const queueJobs = gauge('umbra_queue_jobs', 'Queue jobs by state', ['queue', 'state']);
  const activeJobs = gauge('umbra_active_jobs', 'Jobs that are not final');
  const oldest = gauge('umbra_oldest_job_seconds', 'Age of the oldest job that is not final');
  const positions = gauge('umbra_queued_positions', 'Positions not yet run', ['model']);
  const throughput = gauge(
    'umbra_position_seconds',
    'Measured time of a position in one inference thread',
    ['model'],
  );
  const work = gauge(
    'umbra_queued_work_seconds',
    'Time one inference thread would need for all queued work',
  );
  const gauges = [queueJobs, activeJobs, oldest, positions, throughput, work];
  const askRedis = measureRedis(redis, registry);
  let queues: readonly Queue[] | undefined;

  const openQueues = (): readonly Queue[] =>
    // Not before Redis has answered: BullMQ checks a connection once, and fails for good.
    Object.values(queueNames).map((name) => {
      const queue = new Queue(name, { connection: redis, ...queueOptions });
      queue.on('error', () => undefined);
      return queue;
    });

  const read = async (): Promise<void> => {
    try {
      if (!(await askRedis())) throw new Error('Redis did not answer');
      queues ??= openQueues();
      const counted = await Promise.all(
        queues.map(async (queue) => [queue.name, await queue.getJobCounts(...states)] as const),
      );
      const backlog = await readBacklog();
      for (const each of gauges) clear(each);
      for (const [queue, counts] of counted) {
        for (const [state, count] of Object.entries(counts)) queueJobs.set({ queue, state }, count);
      }
      activeJobs.set(backlog.jobs);
      oldest.set(backlog.oldestMs === null ? 0 : (Date.now() - backlog.oldestMs) / 1000);
      for (const [model, count] of backlog.positions) positions.set({ model }, count);
      for (const [model, seconds] of backlog.secondsPerPosition) throughput.set({ model }, seconds);
      work.set(backlog.workSeconds);
      up.set(1);
    } catch (error) {
      logger.warn({ reason: String(error) }, 'backlog read failed');
      for (const each of gauges) clear(each);
      up.set(0);
    }
  };

  let last: { readonly done: Promise<void>; isFresh: boolean } | undefined;
  return {
    refresh() {
      if (last?.isFresh) return last.done;
      const started = { done: read(), isFresh: true };
      last = started;
      // Fresh from the end of the read: a slow store is not read again meanwhile. A read never rejects.
      void started.done.then(() => setTimeout(() => (started.isFresh = false), freshMs).unref());
      return started.done;
    },
    async close() {
      if (queues !== undefined) await Promise.allSettled(queues.map((queue) => queue.close()));
    },
  };
}

/** Clear a gauge; one without labels would read 0 after a reset alone. */
function clear(gauge: Gauge): void {
  gauge.reset();
  gauge.remove({});
}
