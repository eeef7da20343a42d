/**
 * The four queues a job passes through. One BullMQ flow an image: parent `merge`, children `shard`.
 *
 * BullMQ job ids hold no `:` and carry the job's id, so that no id is ever shared by two runs.
 */
export const queueNames = {
  dispatch: 'dispatch',
  shard: 'shard',
  merge: 'merge',
  archive: 'archive',
} as const;
export type QueueName = keyof typeof queueNames;

/** Prefix of every Redis key of ours and of BullMQ's. */
export const redisPrefix = 'umbra';

export const queueJobIds = {
  dispatch: (jobId: string) => `dispatch-${jobId}`,
  merge: (jobId: string, imageId: string) => `merge-${jobId}-${imageId}`,
  shard: (jobId: string, imageId: string, rowStart: number) =>
    `shard-${jobId}-${imageId}-${rowStart}`,
  archive: (jobId: string) => `archive-${jobId}`,
} as const;

/** BullMQ options of work that must outlast a store or a Redis that is away for some minutes. */
export const patientJob = {
  attempts: 8,
  backoff: { type: 'exponential', delay: 500 },
  removeOnComplete: true,
  removeOnFail: true,
} as const;
