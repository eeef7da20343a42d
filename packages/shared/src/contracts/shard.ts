import { z } from 'zod';
import { datasetItem, sha256 } from './dataset.js';
import { jobId } from './job.js';
import { occlusionSettings } from './settings.js';

/** Everything a worker needs to run rows of one image: no look-up but the image and the model. */
const work = z.strictObject({
  version: z.literal(1),
  tenant: z.string(),
  jobId,
  dataset: z.string(),
  item: datasetItem,
  model: z.strictObject({ name: z.string(), digest: sha256 }),
  settings: occlusionSettings,
});

export const dispatchPayload = z.strictObject({ version: z.literal(1), tenant: z.string(), jobId });
export type DispatchPayload = z.output<typeof dispatchPayload>;

export const shardPayload = work.extend({ rowStart: z.int().min(0), rowEnd: z.int().min(1) });
export type ShardPayload = z.output<typeof shardPayload>;

export const mergePayload = work;
export type MergePayload = z.output<typeof mergePayload>;

export const archivePayload = dispatchPayload;
export type ArchivePayload = DispatchPayload;

/** The unoccluded run: which class is watched, and what the model said of it. */
export const cleanRun = z.strictObject({
  target: z.strictObject({ index: z.int().min(0), label: z.string() }),
  predicted: z.strictObject({ index: z.int().min(0), label: z.string(), probability: z.number() }),
  /** The watched class's score in the requested unit. */
  score: z.number(),
});
export type CleanRun = z.output<typeof cleanRun>;

export const provenance = z.strictObject({
  backend: z.string(),
  backendVersion: z.string(),
  device: z.string(),
  umbraVersion: z.string(),
});
export type Provenance = z.output<typeof provenance>;

/** A shard's return value. `scores` is base64 of little-endian float32, row-major. */
export const shardResult = z.strictObject({
  version: z.literal(1),
  rowStart: z.int().min(0),
  rowEnd: z.int().min(1),
  rows: z.int().min(1),
  columns: z.int().min(1),
  scores: z.base64(),
  clean: cleanRun,
  provenance,
  milliseconds: z.number().min(0),
});
export type ShardResult = z.output<typeof shardResult>;
