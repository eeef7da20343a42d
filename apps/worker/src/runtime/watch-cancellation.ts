import { setMaxListeners } from 'node:events';
import { AppError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';

/** How often a running shard asks whether its job was cancelled. */
const pollMs = 500;

/**
 * A signal for work of one job: aborted when the job is cancelled, or this process ends.
 *
 * `check` throws `cancelled` where that is so already.
 */
export function watchCancellation({ progress, shutdown }: WorkerServices, jobId: string) {
  const cancelled = new AbortController();
  const ask = async () => {
    if (await progress.isCancelled(jobId)) cancelled.abort();
  };
  // A Redis that is away for a moment says nothing of the job.
  const timer = setInterval(() => ask().catch(() => undefined), pollMs);
  const signal = AbortSignal.any([shutdown, cancelled.signal]);
  // One a batch that is under way: many are no leak.
  setMaxListeners(0, signal);
  return {
    signal,
    async check(): Promise<void> {
      await ask();
      if (cancelled.signal.aborted) throw new AppError('cancelled', `Job ${jobId} was cancelled`);
    },
    stop: () => clearInterval(timer),
  };
}
