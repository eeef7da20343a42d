import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { redisPrefix } from '@umbra/platform/queues/queues';
import { reportError } from '@umbra/shared/errors';
import { type Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { stepTelemetry, traceStep } from '../observability/trace-step.js';
import type { WorkerServices } from '../services.js';

/** A step of a job, and what is done when it ended for good without having been run to its end. */
export type Step = {
  readonly name: string;
  readonly concurrency: number;
  run(services: WorkerServices, job: Job, token?: string): Promise<unknown>;
  giveUp?(services: WorkerServices, job: Job, error: Error): Promise<unknown>;
};

export type Consumer = {
  ready(): Promise<unknown>;
  /** Take no more work; resolves when what was begun has ended. */
  close(): Promise<void>;
};

/** A worker dies with a queue job at most this often before the queue job counts as failed. */
const maxStalledCount = 3;
/** For the last steps to end once they are told to, and for the queue to hear of it. */
const reportMs = 3_000;

/** Start to run a queue's jobs. */
export function consume(services: WorkerServices, connection: Redis, step: Step): Consumer {
  const { config, logger, metrics, tracing } = services;
  const { name, concurrency, run, giveUp } = traceStep(tracing, metrics.measureStep(step));
  const running = new Set<Promise<unknown>>();
  const perform = (job: Job, token?: string): Promise<unknown> => {
    const performed = run(services, job, token).finally(() => running.delete(performed));
    running.add(performed);
    return performed;
  };
  const worker = new Worker(name, perform, {
    connection,
    prefix: redisPrefix,
    concurrency,
    lockDuration: config.UMBRA_LOCK_MS,
    stalledInterval: Math.max(1_000, config.UMBRA_LOCK_MS / 2),
    maxStalledCount,
    ...stepTelemetry(tracing, step),
  });
  worker.on('error', (error) => logger.warn({ queue: name, reason: error.message }, 'queue error'));
  metrics.countAttempts(worker, name);
  worker.on('failed', (job, error) => {
    logger.warn({ queue: name, id: job?.id, reason: error.message }, 'attempt failed');
    if (job?.finishedOn === undefined) return;
    giveUp?.(services, job, error).catch((reason: unknown) =>
      logger.warn({ queue: name, id: job.id, error: reportError(reason) }, 'cannot give up'),
    );
  });

  const { shutdown } = services;
  const idle = async (): Promise<void> => {
    const told = shutdown.aborted ? Promise.resolve() : once(shutdown, 'abort');
    await Promise.race([Promise.allSettled(running), told]);
    await sleep(reportMs, undefined, { ref: false });
  };
  return {
    ready: () => worker.waitUntilReady(),
    async close() {
      // The worker's own close has no limit: not for a long step that heeds no signal, nor, after
      // a lost connection, for an answer that never comes. Both are run again by another process.
      await Promise.race([worker.close(), idle()]);
    },
  };
}
