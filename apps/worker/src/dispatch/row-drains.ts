import type { Reference } from '@umbra/shared/contracts/reference';
import { reportError } from '@umbra/shared/errors';
import { drainRows, maxSegmentRows } from '../jobs/drain-rows.js';
import type { WorkerServices } from '../services.js';

/** Time that rows may wait in Redis, where they can be lost and are then made from the results again. */
const maxWaitMs = 60_000;
const retryMs = 5_000;

/** Puts the rows of running jobs into the store, beside the loop. */
export type RowDrains = {
  /**
   * Begin to drain a job's rows if they are many, or have waited.
   *
   * @param undrained How many there are now.
   * @returns When to ask again though nothing is told of the job, ms since the epoch.
   */
  visit(job: Reference, undrained: number, nowMs: number): number;
  forget(jobId: string): void;
  /** Resolves when nothing is being drained. */
  settle(): Promise<void>;
};

export function createRowDrains(
  services: Pick<WorkerServices, 'store' | 'progress' | 'logger'>,
): RowDrains {
  /** Jobs that have rows in Redis: since when, and when the next try may begin, ms since the epoch. */
  const waiting = new Map<string, { readonly sinceMs: number; readonly notBeforeMs: number }>();
  const running = new Map<string, Promise<void>>();
  const begin = (job: Reference, sinceMs: number): void => {
    const drained = drainRows(services, job)
      .then(
        () => void waiting.delete(job.id),
        (error: unknown) => {
          services.logger.warn({ jobId: job.id, error: reportError(error) }, 'rows not drained');
          waiting.set(job.id, { sinceMs, notBeforeMs: Date.now() + retryMs });
        },
      )
      .finally(() => running.delete(job.id));
    running.set(job.id, drained);
  };
  return {
    visit(job, undrained, nowMs) {
      if (running.has(job.id)) return nowMs + retryMs;
      if (undrained === 0) {
        waiting.delete(job.id);
        return Number.POSITIVE_INFINITY;
      }
      const { sinceMs, notBeforeMs } = waiting.get(job.id) ?? { sinceMs: nowMs, notBeforeMs: 0 };
      waiting.set(job.id, { sinceMs, notBeforeMs });
      const dueMs = undrained < maxSegmentRows ? sinceMs + maxWaitMs : nowMs;
      if (nowMs < Math.max(dueMs, notBeforeMs)) return Math.max(dueMs, notBeforeMs);
      begin(job, sinceMs);
      return nowMs + retryMs;
    },
    forget: (jobId) => void waiting.delete(jobId),
    async settle() {
      await Promise.allSettled(running.values());
    },
  };
}
