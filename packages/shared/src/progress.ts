import type { Redis } from 'ioredis';
import { redisPrefix } from './queues.js';

/** Where the dispatcher is in a dataset's manifest. */
export type Cursor = { readonly index: number; readonly offset: number };

/** A running job's working memory. */
export type Progress = {
  readonly cursor: Cursor;
  readonly completed: number;
  readonly failed: number;
  readonly positions: number;
  readonly startedAtMs: number;
};

/**
 * Progress of running jobs, in Redis: gone with it, and rebuilt from the store.
 *
 * An image is counted once, however often its merge runs: a bitmap holds which are finished.
 */
export type ProgressBook = {
  read(jobId: string): Promise<Progress | null>;
  /** Begin at the manifest's start. What is already counted stays counted. */
  start(jobId: string, startedAtMs: number): Promise<void>;
  /** Have the dispatcher read the manifest again: images that are not finished are queued anew. */
  rewind(jobId: string): Promise<void>;
  advance(jobId: string, cursor: Cursor): Promise<void>;
  addPositions(jobId: string, positions: number): Promise<void>;
  /** @returns Whether this call was the one that counted. */
  finishImage(jobId: string, index: number, outcome: 'completed' | 'failed'): Promise<boolean>;
  isFinished(jobId: string, index: number): Promise<boolean>;
  /** Tell every worker that a job is to end: see `isCancelled`. */
  cancel(jobId: string): Promise<void>;
  isCancelled(jobId: string): Promise<boolean>;
  remove(jobId: string): Promise<void>;
};

/** A job that is forgotten leaves no keys behind for longer than this. */
const keepSeconds = 7 * 24 * 3600;

const countOnce = `
if redis.call('SETBIT', KEYS[2], ARGV[1], 1) == 0 then
  redis.call('HINCRBY', KEYS[1], ARGV[2], 1)
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  redis.call('EXPIRE', KEYS[2], ARGV[3])
  return 1
end
return 0`;

export function createProgressBook(redis: Redis): ProgressBook {
  const progressKey = (jobId: string) => `${redisPrefix}:progress:${jobId}`;
  const finishedKey = (jobId: string) => `${redisPrefix}:finished:${jobId}`;
  const cancelKey = (jobId: string) => `${redisPrefix}:cancelled:${jobId}`;
  const write = async (jobId: string, fields: Record<string, number>): Promise<void> => {
    const key = progressKey(jobId);
    await redis.multi().hset(key, fields).expire(key, keepSeconds).exec();
  };
  return {
    async read(jobId) {
      const fields = await redis.hgetall(progressKey(jobId));
      if (fields.startedAtMs === undefined) return null;
      const number = (name: string) => Number(fields[name] ?? 0);
      return {
        cursor: { index: number('index'), offset: number('offset') },
        completed: number('completed'),
        failed: number('failed'),
        positions: number('positions'),
        startedAtMs: number('startedAtMs'),
      };
    },
    async start(jobId, startedAtMs) {
      // The cursor too: a dispatcher that was at work while Redis was wiped may have written one.
      await write(jobId, { startedAtMs, index: 0, offset: 0 });
    },
    rewind: (jobId) => write(jobId, { index: 0, offset: 0 }),
    advance: (jobId, { index, offset }) => write(jobId, { index, offset }),
    async addPositions(jobId, positions) {
      const key = progressKey(jobId);
      await redis.multi().hincrby(key, 'positions', positions).expire(key, keepSeconds).exec();
    },
    async finishImage(jobId, index, outcome) {
      const keys = [progressKey(jobId), finishedKey(jobId)];
      return (await redis.eval(countOnce, 2, ...keys, index, outcome, keepSeconds)) === 1;
    },
    async isFinished(jobId, index) {
      return (await redis.getbit(finishedKey(jobId), index)) === 1;
    },
    async cancel(jobId) {
      await redis.set(cancelKey(jobId), 1, 'EX', keepSeconds);
    },
    async isCancelled(jobId) {
      return (await redis.exists(cancelKey(jobId))) === 1;
    },
    async remove(jobId) {
      await redis.del(progressKey(jobId), finishedKey(jobId));
    },
  };
}
