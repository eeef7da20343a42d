import type { ShardQueue } from '@umbra/platform/queues/queues';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { ManifestReader } from './manifest-reader.js';

/** What the dispatcher holds of a job that is not final. */
export type TrackedJob = {
  readonly tenant: string;
  readonly jobId: string;
  /** When it was met. */
  readonly sinceMs: number;
  /** undefined until its record has been read. */
  loaded?: { readonly bundle: ModelBundle; readonly queue: ShardQueue };
  job?: JobRecord;
  /** From the job's start on. */
  reader?: ManifestReader;
  /** A change of state is under way: the job is left alone meanwhile. */
  isBusy: boolean;
  /** After a fault, or for what need not be looked at all the time. */
  notBeforeMs: number;
  /** How many images were finished when that last changed, and when. */
  finished: number;
  finishedChangedMs: number;
};

/** A run whose record has been read. */
export type LoadedJob = TrackedJob & { job: JobRecord; loaded: NonNullable<TrackedJob['loaded']> };

export const newTrackedJob = (tenant: string, jobId: string, nowMs: number): TrackedJob => ({
  ...{ tenant, jobId, sinceMs: nowMs, isBusy: false, notBeforeMs: 0 },
  ...{ finished: 0, finishedChangedMs: nowMs },
});
