import type { Redis } from 'ioredis';
import { jobKeys, keepSeconds } from './job-keys.js';

/** Which rows are wanted. */
export type RowRangeQuery = {
  /** Rows of the job before these, those that are in the store included; 0 unless given. */
  readonly from?: number;
  readonly limit?: number;
};

/** Rows of finished images that are not in the store yet. */
export type UndrainedRows = {
  /** Names the count of rows: where it is another one, Redis was lost, and they are counted anew. */
  readonly epoch: string;
  /** Rows that were here before, and are in the store. */
  readonly drained: number;
  /** One line of JSON each. */
  readonly rows: readonly string[];
};

/** Rows that were read and put into the store: the first `count` after `drained`. */
export type DrainedRows = Pick<UndrainedRows, 'epoch' | 'drained'> & { readonly count: number };

/** Rows of finished images, a list in Redis until the dispatcher has put them into the store. */
export type UndrainedRowStore = {
  /** Rows that are not in the store yet, the first ones first. */
  readRows(jobId: string, range?: RowRangeQuery): Promise<UndrainedRows>;
  /**
   * Forget the first rows, which are in the store, unless somebody else did since they were read.
   *
   * @returns Whether they were forgotten.
   */
  dropRows(jobId: string, rows: DrainedRows): Promise<boolean>;
};

const readRows = `
local drained = tonumber(redis.call('GET', KEYS[2]) or '0')
local start = math.max(0, tonumber(ARGV[1]) - drained)
local rows = redis.call('LRANGE', KEYS[1], start, start + tonumber(ARGV[2]) - 1)
return {drained, rows, redis.call('GET', KEYS[3]) or ''}`;

const dropRows = `
if (redis.call('GET', KEYS[3]) or '') ~= ARGV[4] then return 0 end
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[1] then return 0 end
if redis.call('LLEN', KEYS[1]) < tonumber(ARGV[2]) then return 0 end
redis.call('LTRIM', KEYS[1], ARGV[2], -1)
redis.call('INCRBY', KEYS[2], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1`;

export function createUndrainedRowStore(redis: Redis): UndrainedRowStore {
  return {
    async readRows(jobId, { from = 0, limit = 1_000_000_000 } = {}) {
      const { rows, drained, epoch } = jobKeys(jobId);
      const answer = await redis.eval(readRows, 3, rows, drained, epoch, from, limit);
      const [count, found, name] = answer as [number, string[], string];
      return { epoch: name, drained: count, rows: found };
    },
    async dropRows(jobId, { epoch: name, drained: before, count }) {
      const { rows, drained, epoch } = jobKeys(jobId);
      const values = [before, count, keepSeconds, name];
      return (await redis.eval(dropRows, 3, rows, drained, epoch, ...values)) === 1;
    },
  };
}
