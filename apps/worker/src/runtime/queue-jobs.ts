import { errorReport } from '@umbra/shared/contracts/dataset';
import type { ErrorReport } from '@umbra/shared/errors';
import type { Job } from 'bullmq';

/** Failure that BullMQ's script `moveStalledJobsToWait` records; BullMQ exports no constant for it. */
const stalledOutReason = 'job stalled more than allowable limit';

/** Whether BullMQ failed a queue job because too many workers were lost while they ran it. */
export const isStalledOut = ({ deferredFailure }: Pick<Job, 'deferredFailure'>): boolean =>
  deferredFailure === stalledOutReason;

/** Whether a failure of the attempt that is running is the queue job's last. */
export const isLastAttempt = ({
  attemptsMade,
  opts,
}: Pick<Job, 'attemptsMade' | 'opts'>): boolean =>
  // BullMQ's default is one attempt.
  attemptsMade + 1 >= (opts.attempts ?? 1);

/**
 * Parse the failure of a queue job: the JSON report that `runShard` throws, or else BullMQ's own
 * message, as of a job that stalled out.
 */
export function parseFailure(reason: unknown): ErrorReport {
  const text = String(reason);
  try {
    const parsed = errorReport.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // Not JSON, and so BullMQ's message.
  }
  return { code: 'internal', message: text };
}
