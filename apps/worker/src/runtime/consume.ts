import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOutage } from '@umbra/platform/faults';
import { redisPrefix } from '@umbra/platform/queues/names';
import { reportError } from '@umbra/shared/errors';
import { DelayedError, type Job, type Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { describeRun, spansOf } from '../observability/step-spans.js';
import type { WorkerServices } from '../services.js';
import { PatientWorker } from './patient-worker.js';
import type { QueueStep } from './step.js';

export type Consumer = {
  ready(): Promise<unknown>;
  /** Take no more work; resolves when what was begun has ended. */
  close(): Promise<void>;
};

type ConsumerServices = Pick<
  WorkerServices,
  'config' | 'logger' | 'metrics' | 'tracing' | 'shutdown' | 'runningSteps'
>;

/**
 * Workers that may be lost at a queue job before BullMQ fails it, unless its step says another number: far more
 * than restarts and kills from outside may cost, since nothing tells them from those that the job ended.
 */
const defaultMaxLosses = 20;
/** Time for the last steps to end after the shutdown signal, and for their results to reach BullMQ. */
const reportMs = 3_000;

/** Start to run a queue's jobs. */
export function consume(services: ConsumerServices, connection: Redis, step: QueueStep): Consumer {
  const { config, tracing } = services;
  const running = new Set<Promise<unknown>>();
  const perform = (job: Job, token = ''): Promise<unknown> => {
    const end = services.runningSteps.begin(step.name, job.data);
    const performed = runMeasured(services, step, job, token).finally(() => {
      end();
      running.delete(performed);
    });
    running.add(performed);
    return performed;
  };
  const worker = new PatientWorker(step.name, perform, {
    connection,
    prefix: redisPrefix,
    concurrency: step.concurrency,
    lockDuration: config.UMBRA_LOCK_MS,
    stalledInterval: Math.max(1_000, config.UMBRA_LOCK_MS / 2),
    // BullMQ fails a queue job at the loss after these.
    maxStalledCount: (step.maxLosses ?? defaultMaxLosses) - 1,
    onPutOff: (job, error) =>
      services.logger.warn(
        { queue: step.name, id: job.id, reason: error.message },
        'queue job put off',
      ),
    ...spansOf(tracing, step),
  });
  recordFailures(services, worker, step);
  worker.on('completed', (job, value) => void step.onStored?.(job, value));
  return {
    ready: () => worker.waitUntilReady(),
    async close() {
      // Worker.close() has no time limit: neither for a long step that ignores the signal nor for a
      // reply that a lost connection never delivers. Another process runs both again.
      await Promise.race([worker.close(), shutDown(services.shutdown, running)]);
    },
  };
}

/** Run a step on a queue job, and record how long it took and what it did. */
async function runMeasured(
  { metrics, tracing }: ConsumerServices,
  step: QueueStep,
  job: Job,
  token: string,
): Promise<unknown> {
  describeRun(tracing, step, job);
  const start = performance.now();
  const secondsSoFar = () => (performance.now() - start) / 1000;
  try {
    const { value, work } = await step.run(job, token);
    const seconds = secondsSoFar();
    metrics.recordRun(step.name, 'done', seconds);
    if (work !== undefined) metrics.recordWork(work, seconds);
    return value;
  } catch (error) {
    metrics.recordRun(
      step.name,
      error instanceof DelayedError || isOutage(error) ? 'again' : 'failed',
      secondsSoFar(),
    );
    throw error;
  }
}

function recordFailures(
  { logger, metrics }: ConsumerServices,
  worker: Worker,
  step: QueueStep,
): void {
  const { name } = step;
  worker.on('error', (error) => logger.warn({ queue: name, reason: error.message }, 'queue error'));
  worker.on('stalled', () => metrics.recordStall(name));
  worker.on('failed', (job, error) => {
    const isFinal = job?.finishedOn !== undefined;
    metrics.recordFailure(name, isFinal);
    logger.warn({ queue: name, id: job?.id, reason: error.message }, 'attempt failed');
    if (!isFinal || step.giveUp === undefined) return;
    step.giveUp(job, error).then(
      ({ work }) => {
        if (work !== undefined) metrics.recordWork(work, 0);
      },
      (reason: unknown) =>
        logger.warn(
          { queue: name, id: job.id, error: reportError(reason) },
          'failure of queue job not recorded',
        ),
    );
  });
}

/** Resolves when the running steps have ended, or the shutdown signal has come, and were reported. */
async function shutDown(
  shutdown: AbortSignal,
  running: ReadonlySet<Promise<unknown>>,
): Promise<void> {
  const aborted = shutdown.aborted ? Promise.resolve() : once(shutdown, 'abort');
  await Promise.race([Promise.allSettled(running), aborted]);
  await sleep(reportMs, undefined, { ref: false });
}
