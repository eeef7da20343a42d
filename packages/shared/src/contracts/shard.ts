import { z } from 'zod';
import { datasetItem, sha256 } from './dataset.js';
import { jobId } from './job.js';
import { allOutputs, storedOutputs } from './outputs.js';
import { occlusionSettings } from './settings.js';

/** Everything a worker needs to run rows of one image: no look-up but the image and the model. */
const work = z.strictObject({
  version: z.literal(3),
  tenant: z.string(),
  jobId,
  dataset: z.string(),
  item: datasetItem,
  model: z.strictObject({ name: z.string(), digest: sha256 }),
  settings: occlusionSettings,
  /** Which files of the image are stored. */
  outputs: storedOutputs,
  /** The job's attempt; part of every queue id, since ids must not be used twice. */
  attempt: z.int().min(1),
  reuse: z.boolean(),
});

/** Payloads of before a job could choose: every file is stored. */
const workV2 = work.omit({ outputs: true }).extend({ version: z.literal(2) });
/** Payloads that call an attempt a run. */
const workV1 = workV2.omit({ attempt: true, reuse: true }).extend({
  version: z.literal(1),
  run: z.int().min(1).default(1),
  reuse: z.boolean().default(true),
});

const upgradeWork = <T extends object>(old: T) =>
  ({ ...old, outputs: allOutputs, version: 3 }) as const;

const rowRange = { rowStart: z.int().min(0), rowEnd: z.int().min(1) };
const shardWork = work.extend(rowRange);
export type ShardPayload = z.output<typeof shardWork>;
/** What a shard is queued with, of any version that may be in the queue. */
export const shardPayload = z.union([
  shardWork,
  workV2.extend(rowRange).transform((old): ShardPayload => upgradeWork(old)),
  workV1
    .extend(rowRange)
    .transform(({ run, ...old }): ShardPayload => upgradeWork({ ...old, attempt: run })),
]);

export type MergePayload = z.output<typeof work>;
export const mergePayload = z.union([
  work,
  workV2.transform((old): MergePayload => upgradeWork(old)),
  workV1.transform(({ run, ...old }): MergePayload => upgradeWork({ ...old, attempt: run })),
]);

export const archivePayload = z.strictObject({ version: z.literal(1), tenant: z.string(), jobId });
/** An event to be posted; what it says is in the store. */
export const webhookPayload = z.strictObject({
  version: z.literal(1),
  tenant: z.string(),
  jobId,
  delivery: z.string(),
});

export type ArchivePayload = z.output<typeof archivePayload>;
export type WebhookPayload = z.output<typeof webhookPayload>;

export const classOf = z.strictObject({ index: z.int().min(0), label: z.string() });
/** Classes of a baseline run that are kept in the order of their probability. */
export const maxRanked = 5;
export const rankedClasses = z
  .array(classOf.extend({ probability: z.number() }))
  .min(1)
  .max(maxRanked);

/** The unoccluded run: which classes are watched, and what the model said of them. */
export const baselineRun = z.strictObject({
  predicted: classOf.extend({
    probability: z.number(),
    /** Whether it reaches the model's threshold, where classes are independent and none need be. */
    aboveThreshold: z.boolean().optional(),
  }),
  /** The most probable classes, first the predicted one; runs of before they were kept have none. */
  top: rankedClasses.optional(),
  /** Targets in the order that every array of the run has; the score is in the requested unit. */
  targets: z.array(classOf.extend({ score: z.number() })).min(1),
});
export type BaselineRun = z.output<typeof baselineRun>;

/** How well an attribution says what the model rests on, for one target. */
export const faithfulness = z.strictObject({
  /**
   * Area under the target's probability while its most important pixels are replaced first; low is
   * good. In [0, 1], by trapezoids over the share of pixels replaced.
   */
  deletion: z.number(),
  /** The same while they are put into the filled image first; high is good. */
  insertion: z.number(),
  /** Whether the largest attribution lies in the image's box; null where it has none. */
  pointingGame: z.boolean().nullable(),
});
export type Faithfulness = z.output<typeof faithfulness>;

export const provenance = z.strictObject({
  backend: z.string(),
  backendVersion: z.string(),
  device: z.string(),
  /** How positions were computed: each by a whole forward pass, or by parts of the network. */
  strategy: z.enum(['dense', 'incremental']),
  umbraVersion: z.string(),
});
export type Provenance = z.output<typeof provenance>;

/**
 * Scored rows of an image: what a shard returns, and what is kept for later runs. Rows are those of all
 * grids of the run, one patch size after the other. Arrays are base64 of little-endian numbers,
 * row-major.
 */
export const shardResult = z.strictObject({
  /** 5 adds `baseline.top`. */
  version: z.literal(5),
  rowStart: z.int().min(0),
  rowEnd: z.int().min(1),
  /** float32 [targets, positions of these rows]. */
  scores: z.base64(),
  /** int32 [positions]: the predicted class; -1 where none was run, -2 where no class is predicted. */
  predictedClasses: z.base64(),
  baseline: baselineRun,
  /** One a target, where asked for. */
  faithfulness: z.array(faithfulness).nullable(),
  /** How the rows were computed, whenever that was. */
  provenance,
  /** Whether some of the rows were taken from an earlier run. */
  reused: z.boolean(),
  /** What computing took here: 0 where all was taken. */
  milliseconds: z.number().min(0),
});
export type ShardResult = z.output<typeof shardResult>;

/** Stands for a result that is too large for Redis and is in the store: see `keys.largeResult`. */
export const largeShardResult = shardResult.omit({
  scores: true,
  predictedClasses: true,
  baseline: true,
  faithfulness: true,
});
export type LargeShardResult = z.output<typeof largeShardResult>;

/** Results that call the baseline run clean, and predicted classes winners. */
const shardV4 = shardResult.extend({ version: z.literal(4) });
const shardV3 = shardResult
  .omit({ predictedClasses: true, baseline: true })
  .extend({ version: z.literal(3), winners: z.base64(), clean: baselineRun });
const shardV2 = shardV3.omit({ reused: true }).extend({ version: z.literal(2) });
const largeShardBefore = largeShardResult.extend({ version: z.literal([3, 4]) });

const upgradeShard = ({ winners, clean, ...old }: z.output<typeof shardV3>): ShardResult => ({
  ...old,
  version: 5,
  predictedClasses: winners,
  baseline: clean,
});

const anyShardResult = z.union([
  shardResult,
  shardV4.transform((old): ShardResult => ({ ...old, version: 5 })),
  shardV3.transform(upgradeShard),
  shardV2.transform((old) => upgradeShard({ ...old, version: 3, reused: false })),
]);

/** A shard's return value, of any version that may be in flight. */
export const shardReturn = z.union([
  anyShardResult,
  largeShardResult,
  largeShardBefore.transform((old): LargeShardResult => ({ ...old, version: 5 })),
]);
export type ShardReturn = ShardResult | LargeShardResult;
export const isLargeResult = (value: ShardReturn): value is LargeShardResult =>
  !('scores' in value);

/** Rows in the store, for whoever has the same work: see `addressOf`. */
export const storedRows = z.strictObject({
  version: z.literal(1),
  address: sha256,
  rows: anyShardResult,
});
