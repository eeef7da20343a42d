import { pause } from './pause.js';
import { isPassing } from './problem.js';
import type { ApiJob } from './types.js';

export type WaitOptions = {
  readonly onStatus?: (job: ApiJob) => void;
  readonly pollMs?: number;
  readonly signal?: AbortSignal;
};

const defaultPollMs = 1_000;
/** Failed polls in a row that are waited out: the job goes on meanwhile. */
const patience = 10;

const ended: readonly ApiJob['state'][] = ['completed', 'failed', 'cancelled', 'expired'];
export const isEnded = ({ state }: Pick<ApiJob, 'state'>): boolean => ended.includes(state);

/**
 * Ask until the job has ended.
 *
 * @throws {UmbraError} If asking fails in a way that asking again does not mend, or ten times in a row.
 */
export async function waitForJob(
  ask: () => Promise<ApiJob>,
  { onStatus, pollMs = defaultPollMs, signal }: WaitOptions = {},
): Promise<ApiJob> {
  for (let failures = 0; ; ) {
    let waitMs = pollMs;
    try {
      const job = await ask();
      failures = 0;
      onStatus?.(job);
      if (isEnded(job)) return job;
    } catch (error) {
      failures += 1;
      if (!isPassing(error) || failures > patience) throw error;
      waitMs = Math.max(pollMs, (error.retryAfterSeconds ?? 0) * 1000);
    }
    await pause(waitMs, signal);
  }
}
