import type { Job, UmbraClient } from '@umbra/client';
import { escapeHidden } from '@umbra/shared/visible-text';
import { createProgressBar } from './progress-bar.js';
import { pollMs } from './service.js';
import { say } from './terminal.js';

/** Show how far a job is until it has ended. @param onStatus Told of each answer. */
export async function followJob(
  client: UmbraClient,
  id: string,
  onStatus?: (job: Job) => void,
): Promise<Job> {
  const bar = createProgressBar('positions');
  let told: string | null = null;
  const job = await client.waitForJob(id, {
    pollMs,
    onStatus(status) {
      const { positions, positionsPerSecond, etaSeconds, waitingFor, state } = status;
      const notice = waitingFor === null ? noticeOf(state) : `Waiting for ${waitingFor}`;
      if (notice !== null && notice !== told) say(notice);
      told = notice;
      bar.update({
        done: positions.done,
        total: positions.total ?? 0,
        perSecond: positionsPerSecond,
        etaSeconds,
      });
      onStatus?.(status);
    },
  });
  bar.end();
  return job;
}

const noticeOf = (state: Job['state']): string | null => (state === 'paused' ? 'Paused' : null);

/** How to see a job again whose command ended. */
export const comeBackTo = (job: string, more = ''): string =>
  `job ${job} runs on; 'umbra watch ${job}' follows it, 'umbra cancel ${job}' ends it${more}`;

/** What became of a job, in a line. */
export function describeEnd({
  id,
  state,
  counts,
  error,
}: Pick<Job, 'id' | 'state' | 'counts' | 'error'>): string {
  const { completed, failed, total } = counts;
  const reason = error === null ? '' : `: ${escapeHidden(error.message)}`;
  const bad = failed === 0 ? '' : `, ${failed} failed`;
  return `Job ${id} ${state}, ${completed} of ${total} images explained${bad}${reason}`;
}

/** Whether a job, as far as it is, is all right. */
export const isFine = ({ state, counts }: Pick<Job, 'state' | 'counts'>): boolean =>
  counts.failed === 0 && !['failed', 'cancelled', 'expired'].includes(state);
