import { z } from 'zod';
import { counts, jobId, jobState } from './job.js';
import { modelBundle } from './model.js';

/** Shards of all tenants that are queued for the workers of some formats. */
const queuedShards = z.strictObject({
  formats: z.array(modelBundle.shape.format),
  waiting: z.int().min(0),
  running: z.int().min(0),
  /** When the one that waits the longest was queued, by the clock of the dispatcher; null where none waits. */
  oldestAt: z.iso.datetime().nullable(),
});

/** Whom or what an unfinished job waits for, when no worker runs anything of it. */
export const jobWait = z.strictObject({
  /**
   * `dataset`: images are still being added or read. `worker`: no live worker runs its model's format.
   * `resume`: it is paused. `turn`: workers run other images first.
   */
  for: z.enum(['dataset', 'worker', 'resume', 'turn']),
  words: z.string(),
});
export type JobWait = z.output<typeof jobWait>;

const queuedJob = z.strictObject({
  id: jobId,
  state: jobState,
  model: z.string(),
  createdAt: z.iso.datetime(),
  counts,
  /** Number of its images that are queued or being computed. */
  imagesInFlight: z.int().min(0),
  /** Null while a worker runs something of it, and while it ends. */
  waitsFor: jobWait.nullable(),
});
export type QueuedJob = z.output<typeof queuedJob>;

/** `GET /v1/queue` */
export const queueReport = z.strictObject({
  shards: z.array(queuedShards),
  /** Unfinished jobs of the tenant that asks, the oldest first. */
  jobs: z.array(queuedJob),
  /** Number of unfinished jobs beyond those; null where there are too many to count. */
  unlisted: z.int().min(0).nullable(),
});
export type QueueReport = z.output<typeof queueReport>;
