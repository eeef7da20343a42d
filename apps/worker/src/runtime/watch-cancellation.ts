import { setMaxListeners } from 'node:events';
import { AppError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';

/** How often a running shard asks whether its job was cancelled. */
const pollMs = 500;

/**
 * A signal for work of one job: aborted when the job is cancelled, or this process ends.
 *
 * `check` throws `cancelled` if the job is cancelled already.
 */
export function watchCancellation(
  { progress, shutdown }: Pick<WorkerServices, 'progress' | 'shutdown'>,
  jobId: string,
) {
  const cancelled = new AbortController();
  const poll = async () => {
    if (await progress.isCancelled(jobId)) cancelled.abort();
  };
  // A Redis that is unreachable for a moment leaves the job running.
  const timer = setInterval(() => poll().catch(() => undefined), pollMs);
  const signal = AbortSignal.any([shutdown, cancelled.signal]);
  // Every batch in progress listens: many are no leak.
  setMaxListeners(0, signal);
  return {
    signal,
    async check(): Promise<void> {
      await poll();
      if (cancelled.signal.aborted) throw new AppError('cancelled', `Job ${jobId} was cancelled`);
    },
    stop: () => clearInterval(timer),
  };
}
