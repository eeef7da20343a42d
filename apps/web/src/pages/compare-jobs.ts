import { isEnded, type JobStatus } from '../api/jobs.js';
import type { CompareState } from '../lib/compare-state.js';

export type CompareProps = {
  readonly state: CompareState;
  readonly change: (change: Partial<CompareState>) => void;
};

/** Two jobs as they are now. */
export type ComparedJobs = { readonly a: JobStatus; readonly b: JobStatus };

/** What answers of two jobs are of: another attempt, or their end, makes others. */
export const comparedKey = ({ a, b }: ComparedJobs): readonly unknown[] =>
  [a, b].flatMap((job) => [job.id, job.attempt, isEnded(job)]);
