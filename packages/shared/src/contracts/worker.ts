import { z } from 'zod';
import { modelBundle } from './model.js';

/** What a worker says of itself, and `GET /v1/workers` passes on. */
export const workerNotice = z.object({
  id: z.string(),
  /** Formats of models that it runs; none where it takes other steps only. */
  formats: z.array(modelBundle.shape.format),
  inferenceThreads: z.int().min(0),
  /** Runtime by family of formats, with its device: `{"onnx": "onnxruntime cpu"}`. */
  backends: z.record(z.string(), z.string()),
  /** Version of Umbra; absent in notices of versions before it was said. */
  umbraVersion: z.string().optional(),
  seenAt: z.iso.datetime(),
});
export type WorkerNotice = z.output<typeof workerNotice>;

/** Notices that call an inference thread a lane; they have no version. */
const laneNotice = workerNotice
  .omit({ inferenceThreads: true })
  .extend({ lanes: workerNotice.shape.inferenceThreads });

/** What a worker of any version says, in the words of the newest. */
export const storedWorkerNotice = z.union([
  workerNotice,
  laneNotice.transform(({ lanes, ...old }): WorkerNotice => ({ ...old, inferenceThreads: lanes })),
]);

/** Steps whose queue jobs belong to a tenant. */
export const workSteps = [
  'ingest',
  'shard',
  'merge',
  'archive',
  'webhook',
  'report',
  'trial',
] as const;

/** A queue job that a worker runs. */
export const runningWork = z.strictObject({
  step: z.enum(workSteps),
  tenant: z.string(),
  /** Null where a dataset is read. */
  job: z.string().nullable(),
  /** The image of a shard or a merge; null for other steps. */
  image: z.string().nullable(),
  /** Grid rows of a shard, half-open, those of all patch sizes one after the other. */
  rows: z.strictObject({ start: z.int().min(0), end: z.int().min(1) }).nullable(),
  model: z.string().nullable(),
  since: z.iso.datetime(),
});
export type RunningWork = z.output<typeof runningWork>;

/** A worker as the service lists it, with what it ran at its last heartbeat. */
export const listedWorker = workerNotice.extend({
  /** What it runs for the tenant that asks; for all tenants where an admin of the tenant `default` asks. */
  running: z.array(runningWork),
  /** Number of queue jobs that it runs for other tenants, of which nothing else is told. */
  othersRunning: z.int().min(0),
});
export type ListedWorker = z.output<typeof listedWorker>;
