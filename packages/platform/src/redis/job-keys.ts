import { redisPrefix } from '../queues/names.js';

/** A job that is forgotten leaves no keys behind for longer than this. */
export const keepSeconds = 7 * 24 * 3600;

/** Keys of a job's working memory. */
export const jobKeys = (jobId: string) => ({
  progress: `${redisPrefix}:progress:${jobId}`,
  finished: `${redisPrefix}:finished:${jobId}`,
  flight: `${redisPrefix}:flight:${jobId}`,
  /** Positions that the shards of each unfinished image have counted. */
  shards: `${redisPrefix}:shard-positions:${jobId}`,
  /** Positions by the time at which they were finished. */
  ring: `${redisPrefix}:recent-positions:${jobId}`,
  rows: `${redisPrefix}:rows:${jobId}`,
  drained: `${redisPrefix}:drained-rows:${jobId}`,
  /** Random, of when a count of rows began. */
  epoch: `${redisPrefix}:rows-epoch:${jobId}`,
  losses: `${redisPrefix}:lost-results:${jobId}`,
  cancelled: `${redisPrefix}:cancelled:${jobId}`,
  paused: `${redisPrefix}:paused:${jobId}`,
});
