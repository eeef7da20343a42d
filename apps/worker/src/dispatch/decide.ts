import type { JobLive } from '@umbra/platform/redis/job-progress';
import { type Ending, isFinal, type JobRecord } from '@umbra/shared/contracts/job';

/** What is to be done about a job now. */
export type Decision =
  | { readonly do: 'forget' | 'validate' | 'start' | 'pause' | 'resume' }
  | { readonly do: 'dispatch' | 'wait' | 'finalize' | 'refuse' }
  | { readonly do: 'end'; readonly ending: Ending };

/** How long what runs is given to end, so that an image that is about to be finished is. */
export const graceMs = 2_000;

/**
 * A job's next step, from its record and what Redis says of it.
 *
 * @param nowMs Since the epoch.
 * @param isSetAside Whether its model was when that was last looked for.
 */
export function decide(job: JobRecord, live: JobLive, nowMs: number, isSetAside = false): Decision {
  if (isFinal(job.state)) return { do: 'forget' };
  if (job.state === 'finalizing') return { do: 'finalize' };
  if (job.state === 'cancelling') {
    const sinceMs = nowMs - Date.parse(job.cancellingAt ?? job.createdAt);
    return { do: live.inFlight === 0 || sinceMs >= graceMs ? 'finalize' : 'wait' };
  }
  const ending = endingOf(job, live, nowMs);
  if (ending !== null) return { do: 'end', ending };
  if (isSetAside && !isFinished(job, live)) return { do: 'refuse' };
  if (job.state === 'validating') return { do: 'validate' };
  if (job.state === 'queued' || live.progress === null) return { do: 'start' };
  if (live.progress.completed + live.progress.failed >= job.counts.total) return { do: 'finalize' };
  if (job.state === 'paused') return { do: live.isPaused ? 'wait' : 'resume' };
  return { do: live.isPaused ? 'pause' : 'dispatch' };
}

function isFinished({ counts }: JobRecord, { progress }: JobLive): boolean {
  const { completed = 0, failed = 0 } = progress ?? {};
  return counts.total > 0 && completed + failed >= counts.total;
}

function endingOf(job: JobRecord, live: JobLive, nowMs: number): Ending | null {
  const requestedAt = new Date(nowMs).toISOString();
  if (live.isCancelled) return { state: 'cancelled', requestedAt, error: null };
  const { failed = 0 } = live.progress ?? {};
  if (!isFinished(job, live) && job.expiresAt !== null && nowMs >= Date.parse(job.expiresAt)) {
    return { state: 'expired', requestedAt, error: null };
  }
  const limit = job.errorThreshold;
  if (limit === null || failed === 0 || failed <= limit * job.counts.total) return null;
  const message = `${failed} of ${job.counts.total} images failed: more than the job's errorThreshold, ${limit}`;
  return { state: 'failed', requestedAt, error: { code: 'unprocessable', message } };
}
