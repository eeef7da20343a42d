import { pause } from './pause.js';
import { isPassing } from './problem.js';
import type { ApiJob, ApiReportStatus, ApiTrial } from './types.js';

export type WaitOptions<T = ApiJob> = {
  /** Told of each answer. */
  readonly onStatus?: (status: T) => void;
  readonly pollMs?: number;
  readonly signal?: AbortSignal;
};

const defaultPollMs = 1_000;
/** Failed polls in a row that are waited out: the job goes on meanwhile. */
const patience = 10;

const ended: readonly ApiJob['state'][] = ['completed', 'failed', 'cancelled', 'expired'];
export const isEnded = ({ state }: Pick<ApiJob, 'state'>): boolean => ended.includes(state);

/** Whether nothing more comes of a report or a trial until it is asked for again. */
export const isOver = ({ state }: Pick<ApiReportStatus | ApiTrial, 'state'>): boolean =>
  state !== 'queued' && state !== 'running';

/**
 * Ask until what is asked for is as it is wanted.
 *
 * @throws {UmbraError} If asking fails in a way that asking again does not mend, or ten times in a row.
 */
export async function waitUntil<T>(
  isWanted: (status: T) => boolean,
  ask: () => Promise<T>,
  { onStatus, pollMs = defaultPollMs, signal }: WaitOptions<T> = {},
): Promise<T> {
  for (let failures = 0; ; ) {
    let waitMs = pollMs;
    try {
      const status = await ask();
      failures = 0;
      onStatus?.(status);
      if (isWanted(status)) return status;
    } catch (error) {
      failures += 1;
      if (!isPassing(error) || failures > patience) throw error;
      waitMs = Math.max(pollMs, (error.retryAfterSeconds ?? 0) * 1000);
    }
    await pause(waitMs, signal);
  }
}
