import { z } from 'zod';
import { datasetId, errorReport, metadata, sha256 } from './dataset.js';
import { allOutputs, askedOutputs, defaultOutputs, storedOutputs } from './outputs.js';
import { occlusionSettings } from './settings.js';

export const jobId = z.string().regex(/^job_[0-9a-z]{20}$/);

const seconds = (most: number) => z.int().min(1).max(most);
const day = 24 * 3600;

export const givenSecret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, 'Expected whsec_ and base64 of 24 to 64 bytes');

/** Receiver of the events of a job, which are signed as in Standard Webhooks. */
const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(2048),
  /** `whsec_` and base64 of 24 to 64 bytes; never given back. Made, and told once, when left out. */
  secret: givenSecret.optional(),
});

/** What a user submits. */
export const jobRequest = z.strictObject({
  dataset: datasetId,
  model: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[a-z0-9][a-z0-9._-]*$/),
  settings: occlusionSettings.prefault({}),
  /**
   * Which files of each image are stored; the others are drawn when they are asked for. `result.json`, `scores`
   * and `predicted-classes` always are; heatmap and thumbnail are too when it is left out.
   */
  outputs: askedOutputs.optional(),
  /** Grid rows a shard; chosen by the service when left out. */
  rowsPerShard: z.int().min(1).max(16_384).optional(),
  /** Among the jobs of a tenant, higher ones go first. */
  priority: z.int().min(0).max(100).default(50),
  metadata: metadata.default({}),
  /** Lifetime from its creation: what is not finished then is not run, and the job is `expired`. */
  expiresAfterSeconds: seconds(365 * day).optional(),
  /** A job ends as `failed` when more than this share of its images has failed. */
  errorThreshold: z.number().min(0).max(1).optional(),
  /** Take results of the same image, model and settings from earlier jobs, and keep these for later ones. */
  reuse: z.boolean().default(true),
  /** Time after its end at which a job is deleted with its results; never when left out. */
  keepResultsSeconds: seconds(10 * 365 * day).optional(),
  /** Archives of about this size each; one when left out. */
  archivePartBytes: z
    .int()
    .min(1024 * 1024)
    .max(5 * 1024 ** 4)
    .optional(),
  webhook: webhook.optional(),
});
export type JobRequest = z.output<typeof jobRequest>;

/**
 * `validating`: its dataset is not ready yet. `cancelling`: what runs is being stopped, whether it is
 * to be cancelled, expired or failed. `finalizing`: its archive is being written.
 */
export const jobState = z.enum([
  'validating',
  'queued',
  'in_progress',
  'paused',
  'finalizing',
  'completed',
  'failed',
  'cancelling',
  'cancelled',
  'expired',
]);
export type JobState = z.output<typeof jobState>;

const finalStates = ['completed', 'failed', 'cancelled', 'expired'] as const;
export type FinalState = (typeof finalStates)[number];
export const isFinal = (state: JobState): state is FinalState =>
  (finalStates as readonly JobState[]).includes(state);

export const counts = z.strictObject({
  total: z.int().min(0),
  completed: z.int().min(0),
  failed: z.int().min(0),
});
export type Counts = z.output<typeof counts>;

const time = z.iso.datetime().nullable();

/** Why a job ends before its images are all finished. */
export const ending = z.strictObject({
  state: z.enum(['cancelled', 'expired', 'failed']),
  requestedAt: z.iso.datetime(),
  error: errorReport.nullable(),
});
export type Ending = z.output<typeof ending>;

const jobV4 = z.strictObject({
  version: z.literal(4),
  id: jobId,
  dataset: datasetId,
  model: z.strictObject({ name: z.string(), digest: sha256 }),
  settings: occlusionSettings,
  /** Which files of each image are stored, beside `result.json`. */
  outputs: storedOutputs,
  rowsPerShard: z.int().min(1).nullable(),
  priority: z.int().min(0).max(100),
  metadata,
  expiresAt: time,
  errorThreshold: z.number().min(0).max(1).nullable(),
  reuse: z.boolean(),
  keepResultsSeconds: z.int().min(1).nullable(),
  archivePartBytes: z.int().min(1).nullable(),
  /** Receiver of events; the secret is stored elsewhere. */
  webhook: z.strictObject({ url: z.string() }).nullable(),
  /** A request that somebody waits for: before all others in the queue, and without an archive. */
  interactive: z.boolean(),
  /** How often it was begun: 1, and one more each time its failed images are retried. */
  attempt: z.int().min(1),
  /** Occluded positions an image needs; null until known (inputs of varying size). */
  positionsPerImage: z.int().min(1).nullable(),
  state: jobState,
  counts,
  createdAt: z.iso.datetime(),
  startedAt: time,
  pausedAt: time,
  finalizingAt: time,
  completedAt: time,
  failedAt: time,
  cancellingAt: time,
  cancelledAt: time,
  expiredAt: time,
  ending: ending.nullable(),
  error: errorReport.nullable(),
});

/** Records of before a job could choose: every file is stored. */
const jobV3 = jobV4.omit({ outputs: true }).extend({ version: z.literal(3) });

/** Records that call an attempt a run. */
const jobV2 = jobV3
  .omit({ attempt: true })
  .extend({ version: z.literal(2), run: jobV3.shape.attempt });

/** Records of before a job could be paused, expire or be retried. */
const jobV1 = z.strictObject({
  version: z.literal(1),
  id: jobId,
  dataset: datasetId,
  model: jobV3.shape.model,
  settings: occlusionSettings,
  rowsPerShard: jobV3.shape.rowsPerShard,
  positionsPerImage: jobV3.shape.positionsPerImage,
  state: jobState,
  counts,
  createdAt: z.iso.datetime(),
  startedAt: time,
  finalizingAt: time,
  completedAt: time,
  failedAt: time,
  cancelledAt: time.default(null),
  error: errorReport.nullable(),
});

/** What a job is made of before it has begun; a caller says the rest. */
export const newJobDefaults = {
  version: 4,
  outputs: defaultOutputs,
  rowsPerShard: null,
  priority: 50,
  metadata: {},
  expiresAt: null,
  errorThreshold: null,
  reuse: true,
  keepResultsSeconds: null,
  archivePartBytes: null,
  webhook: null,
  interactive: false,
  attempt: 1,
  positionsPerImage: null,
  state: 'queued',
  startedAt: null,
  pausedAt: null,
  finalizingAt: null,
  completedAt: null,
  failedAt: null,
  cancellingAt: null,
  cancelledAt: null,
  expiredAt: null,
  ending: null,
  error: null,
} as const satisfies Partial<z.output<typeof jobV4>>;

/**
 * The job's record in the object store, which is the truth. While the job runs, its progress is
 * in Redis (`JobProgress`) and is folded in when the job ends.
 */
export const jobRecord = jobV4;
export type JobRecord = z.output<typeof jobV4>;

const upgradeJob = (old: z.output<typeof jobV3>): JobRecord => ({
  ...old,
  outputs: allOutputs,
  version: 4,
});

/** What a stored record of any version says, in the words of the newest. */
export const storedJob = z.union([
  jobV4,
  jobV3.transform(upgradeJob),
  jobV2.transform(({ run, ...old }) => upgradeJob({ ...old, attempt: run, version: 3 })),
  jobV1.transform((old) => upgradeJob({ ...newJobDefaults, ...old, version: 3 })),
]);

/**
 * What users ask of a job that runs, beside its record, since only the holder of the dispatcher's lock
 * writes that.
 */
export const cancellation = z.strictObject({ requestedAt: z.iso.datetime() });
export const pause = cancellation;

/** What an `Idempotency-Key` stands for. */
export const idempotencyRecord = z.strictObject({ job: jobId, request: sha256 });

/** What `GET /v1/jobs/:id` answers: the record, and how far it is. */
export const jobStatus = jobRecord.extend({
  positions: z.strictObject({ done: z.int().min(0), total: z.int().min(0).nullable() }),
  /** Positions a second in the last minute; null while the job does not run, or nothing was measured. */
  positionsPerSecond: z.number().min(0).nullable(),
  /** Seconds to the end at that rate; null, unknown, where there is none or all is done. */
  etaSeconds: z.number().min(0).nullable(),
  /** What an unfinished job waits for that is not there, such as a worker for its model's format. */
  waitingFor: z.string().nullable(),
});
export type JobStatus = z.output<typeof jobStatus>;

/** What `dryRun` answers: what a job would take, without making one. */
export const jobEstimate = z.strictObject({
  /** What to know before it runs, such as how many images have a label that is no class of the model. */
  warnings: z.array(z.string()),
  images: z.int().min(0),
  /** Positions an image, and of all; null where inputs vary in size. */
  positionsPerImage: z.int().min(1).nullable(),
  positions: z.int().min(0).nullable(),
  /** Positions and the baseline runs. */
  forwardPasses: z.int().min(0).nullable(),
  /** Inference threads of live workers that run the model's format. */
  inferenceThreads: z.int().min(0),
  /** Duration on the live workers, at the measured throughput of the model; null where either is unknown. */
  seconds: z.number().min(0).nullable(),
  /** Estimated size of the results in the store. */
  bytes: z.int().min(0).nullable(),
});
export type JobEstimate = z.output<typeof jobEstimate>;
