import { z } from 'zod';
import { datasetId, errorReport, sha256 } from './dataset.js';
import { occlusionSettings } from './settings.js';

export const jobId = z.string().regex(/^job_[0-9a-z]{20}$/);

/** What a user submits. */
export const jobRequest = z.strictObject({
  dataset: datasetId,
  model: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[a-z0-9][a-z0-9._-]*$/),
  settings: occlusionSettings.prefault({}),
  /** Grid rows a shard; chosen by the service when left out. */
  rowsPerShard: z.int().min(1).max(16_384).optional(),
});
export type JobRequest = z.output<typeof jobRequest>;

export const jobState = z.enum([
  'queued',
  'in_progress',
  'finalizing',
  'completed',
  'failed',
  'cancelling',
  'cancelled',
]);
export type JobState = z.output<typeof jobState>;
export const isFinal = (state: JobState): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled';

export const counts = z.strictObject({
  total: z.int().min(0),
  completed: z.int().min(0),
  failed: z.int().min(0),
});
export type Counts = z.output<typeof counts>;

/**
 * The job's record in the object store, which is the truth. While the job runs, its progress is
 * in Redis (`JobProgress`) and is folded in when the job ends.
 */
export const jobRecord = z.strictObject({
  version: z.literal(1),
  id: jobId,
  dataset: datasetId,
  model: z.strictObject({ name: z.string(), digest: sha256 }),
  settings: occlusionSettings,
  rowsPerShard: z.int().min(1).nullable(),
  /** Occluded positions an image needs; null until known (inputs of varying size). */
  positionsPerImage: z.int().min(1).nullable(),
  state: jobState,
  counts,
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  finalizingAt: z.iso.datetime().nullable(),
  completedAt: z.iso.datetime().nullable(),
  failedAt: z.iso.datetime().nullable(),
  /** Records of before there was cancelling have none. */
  cancelledAt: z.iso.datetime().nullable().default(null),
  error: errorReport.nullable(),
});
export type JobRecord = z.output<typeof jobRecord>;

/** Beside the record, since only the holder of the job's lock writes that. */
export const cancellation = z.strictObject({ requestedAt: z.iso.datetime() });

/** What an `Idempotency-Key` stands for. */
export const idempotencyRecord = z.strictObject({ job: jobId, request: sha256 });

/** What `GET /v1/jobs/:id` answers: the record, and how far it is. */
export const jobStatus = jobRecord.extend({
  positions: z.strictObject({ done: z.int().min(0), total: z.int().min(0).nullable() }),
  /** Seconds to the end at the pace so far; null when nothing has been measured or all is done. */
  etaSeconds: z.number().min(0).nullable(),
  /** What an unfinished job waits for that is not there, such as a worker for its model's format. */
  waitingFor: z.string().nullable(),
});
export type JobStatus = z.output<typeof jobStatus>;
