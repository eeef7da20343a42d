import { enqueueDispatcher } from '@umbra/platform/queues/enqueue';
import { reportError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';

/** Redis may come back empty at any time, without the dispatcher's queue job. */
const intervalMs = 2_000;

/** Keep the dispatcher's queue job in its queue. @returns A function that stops it. */
export function keepDispatching({
  dispatchQueue,
  logger,
}: Pick<WorkerServices, 'dispatchQueue' | 'logger'>): () => void {
  const ensure = async () => {
    await enqueueDispatcher(dispatchQueue).catch((error: unknown) => {
      logger.warn({ error: reportError(error) }, 'dispatcher not queued');
    });
  };
  // Not awaited: the timer repeats it.
  void ensure();
  const timer = setInterval(ensure, intervalMs);
  return () => clearInterval(timer);
}
