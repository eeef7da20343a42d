import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Provider } from '@umbra/shared/contracts/provider';

/**
 * Queues that a job passes through. Each image is one BullMQ flow: parent `merge`, children `shard`, or
 * `shard-tfjs` for TensorFlow.js models, so that workers take only what they can run.
 */
export const queueNames = {
  ingest: 'ingest',
  dispatch: 'dispatch',
  shard: 'shard',
  shardTfjs: 'shard-tfjs',
  merge: 'merge',
  archive: 'archive',
  webhook: 'webhook',
  report: 'report',
  trial: 'trial',
} as const;
export type QueueName = keyof typeof queueNames;

/** Steps that a worker can be started with; `report` takes trials too. */
export const stepNames = [
  'ingest',
  'dispatch',
  'shard',
  'merge',
  'archive',
  'webhook',
  'report',
] as const;

/** Model formats of each queue of shards. */
export const shardQueues = {
  shard: ['onnx'],
  shardTfjs: ['tfjs-layers', 'tfjs-graph'],
} as const satisfies Partial<Record<QueueName, readonly ModelBundle['format'][]>>;
export type ShardQueue = keyof typeof shardQueues;

/** Queue of a model's shards. */
export const shardQueueFor = (format: ModelBundle['format']): ShardQueue =>
  format === 'onnx' ? 'shard' : 'shardTfjs';

/** Queues of shards that a worker's engine can serve: GPU providers run ONNX models only. */
export const servedShardQueues = (provider: Provider): readonly ShardQueue[] =>
  provider === 'cpu' ? ['shard', 'shardTfjs'] : ['shard'];

/** Prefix of every Redis key, BullMQ's included. */
export const redisPrefix = 'umbra';

/**
 * Options of every `Queue`, which writes them into Redis for all who use it. BullMQ's own events are read by nobody
 * here, and would take megabytes a queue.
 */
export const queueOptions = {
  prefix: redisPrefix,
  streams: { events: { maxLen: 100 } },
} as const;

/**
 * Ids of queue jobs. BullMQ allows no `:` in them; each carries the job's id and attempt, so that no id
 * is ever used twice. A job's report has one id, so that it is written by one worker at a time: a run
 * that ends looks for a newer request, and the dispatcher for those that came later still.
 */
export const queueJobIds = {
  merge: (jobId: string, attempt: number, imageId: string) =>
    `merge-${jobId}-${attempt}-${imageId}`,
  shard: (jobId: string, attempt: number, imageId: string, rowStart: number) =>
    `shard-${jobId}-${attempt}-${imageId}-${rowStart}`,
  archive: (jobId: string, attempt: number) => `archive-${jobId}-${attempt}`,
  webhook: (delivery: string, round: number) => `webhook-${delivery}-${round}`,
  ingest: (datasetId: string) => `ingest-${datasetId}`,
  report: (jobId: string) => `report-${jobId}`,
  trial: (trial: string) => trial,
} as const;
