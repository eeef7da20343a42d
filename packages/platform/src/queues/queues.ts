import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Provider } from '@umbra/shared/contracts/provider';

/**
 * The queues a job passes through. One BullMQ flow an image: parent `merge`, children `shard`, or
 * `shard-tfjs` for TensorFlow.js models, so that workers take only what they can run.
 *
 * BullMQ job ids hold no `:` and carry the job's id, so that no id is ever shared by two runs.
 */
export const queueNames = {
  ingest: 'ingest',
  dispatch: 'dispatch',
  shard: 'shard',
  shardTfjs: 'shard-tfjs',
  merge: 'merge',
  archive: 'archive',
  webhook: 'webhook',
} as const;
export type QueueName = keyof typeof queueNames;

/** What a worker may do. */
export const stepNames = ['ingest', 'dispatch', 'shard', 'merge', 'archive', 'webhook'] as const;

/** Formats by the queue of their shards. */
export const shardQueues = {
  shard: ['onnx'],
  shardTfjs: ['tfjs-layers', 'tfjs-graph'],
} as const satisfies Partial<Record<QueueName, readonly ModelBundle['format'][]>>;
export type ShardQueue = keyof typeof shardQueues;

/** Which queue a model's shards go to. */
export const shardQueueFor = (format: ModelBundle['format']): ShardQueue =>
  format === 'onnx' ? 'shard' : 'shardTfjs';

/** Which queues a worker's engine can serve: GPUs' providers run ONNX alone. */
export const servedShardQueues = (provider: Provider): readonly ShardQueue[] =>
  provider === 'cpu' ? ['shard', 'shardTfjs'] : ['shard'];

/** Prefix of every Redis key of ours and of BullMQ's. */
export const redisPrefix = 'umbra';

/** `attempt`: a job's failed images are retried under ids of their own. */
export const queueJobIds = {
  merge: (jobId: string, attempt: number, imageId: string) =>
    `merge-${jobId}-${attempt}-${imageId}`,
  shard: (jobId: string, attempt: number, imageId: string, rowStart: number) =>
    `shard-${jobId}-${attempt}-${imageId}-${rowStart}`,
  archive: (jobId: string, attempt: number) => `archive-${jobId}-${attempt}`,
  webhook: (delivery: string, turn: number) => `webhook-${delivery}-${turn}`,
  ingest: (datasetId: string) => `ingest-${datasetId}`,
} as const;

/** BullMQ options of work that must outlast a store or a Redis that is away for some minutes. */
export const outageJobOptions = {
  attempts: 8,
  backoff: { type: 'exponential', delay: 500 },
  removeOnComplete: true,
  removeOnFail: true,
} as const;

/**
 * BullMQ options of an event that is posted to a receiver: 13 attempts, each after twice the time of the
 * one before.
 *
 * @param firstMs From 20 s on, the last is about 23 hours after the first.
 */
export const webhookJobOptions = (firstMs: number) =>
  ({
    attempts: 13,
    backoff: { type: 'exponential', delay: firstMs },
    removeOnComplete: true,
    removeOnFail: true,
  }) as const;

/**
 * The one queue job of the queue `dispatch`, whose lock makes its holder the fleet's only dispatcher.
 * Whoever needs a dispatcher adds it; where there is one, that does nothing.
 */
export const dispatcherJob = {
  name: queueNames.dispatch,
  data: { version: 1 },
  opts: { ...outageJobOptions, jobId: 'dispatcher' },
} as const;

/** BullMQ runs a shard without a priority before all with one: somebody waits for it. */
export const priorityOf = ({ interactive }: { readonly interactive: boolean }) =>
  interactive ? {} : { priority: 10 };
