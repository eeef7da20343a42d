import { dispatcherJob } from '@umbra/platform/queues/queues';
import { reportError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';

/** Redis may come back empty at any time, and the dispatcher with it. */
const everyMs = 2_000;

/** See to it that the fleet has a dispatcher. @returns A function that stops it. */
export function keepDispatching({ dispatchQueue, logger }: WorkerServices): () => void {
  const ensure = async () => {
    const { name, data, opts } = dispatcherJob;
    await dispatchQueue.add(name, data, opts).catch((error: unknown) => {
      logger.warn({ error: reportError(error) }, 'a dispatcher could not be asked for');
    });
  };
  ensure();
  const timer = setInterval(ensure, everyMs);
  return () => clearInterval(timer);
}
