import type { JobState, JobStatus } from '../api/jobs.js';
import { isEnded } from '../api/jobs.js';
import { formatDuration } from '../lib/format.js';

const words: Readonly<Record<JobState, string>> = {
  validating: 'Waits for its dataset',
  queued: 'Queued',
  in_progress: 'Runs',
  paused: 'Paused',
  finalizing: 'Writes its archive',
  completed: 'Completed',
  failed: 'Failed',
  cancelling: 'Being stopped',
  cancelled: 'Cancelled',
  expired: 'Expired',
};

export const StateBadge = ({ state }: { readonly state: JobState }) => (
  <span className="badge" data-state={state}>
    {words[state]}
  </span>
);

/** Share of a job that is done, in [0, 1]: by positions where their number is known, else by images. */
export function shareDone({ counts, positions, state }: JobStatus): number {
  if (state === 'completed') return 1;
  const { done, total } = positions;
  if (total !== null && total > 0) return done / total;
  return counts.total === 0 ? 0 : (counts.completed + counts.failed) / counts.total;
}

export function JobProgress({ job }: { readonly job: JobStatus }) {
  const percent = Math.floor(shareDone(job) * 100);
  const { counts } = job;
  return (
    <div className="progress">
      <progress className="progress-bar" max={100} value={percent} aria-label="Progress" />
      <span className="progress-words">
        {counts.completed} of {counts.total} done
        {counts.failed > 0 && <span className="bad"> · {counts.failed} failed</span>}
        {!isEnded(job) && <> · {timeLeft(job)}</>}
      </span>
    </div>
  );
}

/** The time that is left, in words; a job that waits or is paused has none. */
export function timeLeft({ state, etaSeconds, waitingFor }: JobStatus): string {
  if (waitingFor !== null) return `waits for ${waitingFor}`;
  if (state === 'paused') return 'paused';
  if (state === 'finalizing') return 'writes its archive';
  return etaSeconds === null ? 'time left unknown' : `${formatDuration(etaSeconds)} left`;
}
