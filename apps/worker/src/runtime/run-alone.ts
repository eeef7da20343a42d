import type { Job } from 'bullmq';
import { giveBack } from './give-back.js';

/** Delay of a queue job that cannot run beside what runs. */
const askAgainMs = 300;
/** How long others make room for one that is to run alone. */
const wantedMs = 1_000;

/**
 * Runs queue jobs of one step: side by side, and those that lost a worker alone, so that each loss after
 * that is of one of them. What cannot run now is given back, not held: a job that waits here would be lost
 * with the one that runs.
 */
export function createAloneRunner(now: () => number = Date.now) {
  let running = 0;
  let isAlone = false;
  let wantedUntilMs = 0;
  return async <T>(job: Job, token: string, work: () => Promise<T>): Promise<T> => {
    const mustBeAlone = job.stalledCounter > 0;
    const isRefused = mustBeAlone ? running > 0 : isAlone || now() < wantedUntilMs;
    if (isRefused) {
      if (mustBeAlone) wantedUntilMs = now() + wantedMs;
      return giveBack(job, token, askAgainMs);
    }
    running += 1;
    if (mustBeAlone) [isAlone, wantedUntilMs] = [true, 0];
    try {
      return await work();
    } finally {
      running -= 1;
      if (mustBeAlone) isAlone = false;
    }
  };
}
