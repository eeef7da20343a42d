import { randomUUID } from 'node:crypto';
import type { ChainableCommander, Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';
import { jobKeys, keepSeconds } from './job-keys.js';
import { createLostResults, type LostResults } from './lost-results.js';
import { countShardPositions, measureRate, ringArguments } from './recent-positions.js';
import { createUndrainedRowStore, type UndrainedRowStore } from './undrained-rows.js';

/** The dispatcher's position in a dataset's manifest. */
export type Cursor = { readonly index: number; readonly offset: number };

/** A running job's working memory. */
export type Progress = {
  readonly cursor: Cursor;
  readonly completed: number;
  readonly failed: number;
  readonly positions: number;
  readonly startedAtMs: number;
};

/** All that the dispatcher asks of a job, again and again. */
export type JobLive = {
  /** null before it starts, and after Redis was lost. */
  readonly progress: Progress | null;
  readonly isCancelled: boolean;
  readonly isPaused: boolean;
  /** Images that are in the queue. */
  readonly inFlight: number;
  /** Rate of the last minute; null where too little was finished in it. */
  readonly positionsPerSecond: number | null;
  /** Rows of finished images that are not in the store yet. */
  readonly undrained: number;
};

/** How far a run of a shard is. */
export type ShardPositions = {
  /** The image's index. */
  readonly image: number;
  readonly rowStart: number;
  /** Positions finished so far. */
  readonly done: number;
  /** Those of them that were not told before. */
  readonly fresh: number;
};

type JobCounts = {
  /** Have the dispatcher look after a job. */
  register(tenant: string, jobId: string): Promise<void>;
  unregister(jobId: string): Promise<void>;
  /** @returns Tenants by job. */
  listRegistered(): Promise<ReadonlyMap<string, string>>;
  /**
   * Take note of jobs that changed since they were last taken, in no order.
   *
   * @returns Tenants by job; null for a job that is registered no more.
   */
  takeChanged(limit: number): Promise<ReadonlyMap<string, string | null>>;
  /** Have the dispatcher look at a job at once. */
  tell(jobId: string): Promise<void>;
  read(jobId: string): Promise<Progress | null>;
  /** One round trip for all of them, in their order. */
  readAll(jobIds: readonly string[]): Promise<JobLive[]>;
  /** Begin at the manifest's start. What is already counted stays counted. */
  start(jobId: string, startedAtMs: number): Promise<void>;
  /** Record images before they are queued: they are in flight, and the manifest is read up to `cursor`. */
  launch(jobId: string, images: readonly Cursor[], cursor: Cursor): Promise<void>;
  /** Count positions that were finished at some time before. */
  addPositions(jobId: string, positions: number): Promise<void>;
  /** Count positions as a shard finishes them: once, however often it runs, and none of a finished image. */
  countPositions(jobId: string, positions: ShardPositions): Promise<void>;
  /**
   * Count that an image is finished, and keep its row in the same step: both are done once.
   *
   * @param row One line of JSON; none is kept where it is null.
   * @returns Whether this call was the one that counted.
   */
  finishImage(
    jobId: string,
    index: number,
    outcome: 'completed' | 'failed',
    row: string | null,
  ): Promise<boolean>;
  /** An image left the queue without an end, since its job was told to end. */
  dropImage(jobId: string, index: number): Promise<void>;
  listInFlight(jobId: string): Promise<Cursor[]>;
  /** @returns Which of these images are in the queue, in their order. */
  readInFlight(jobId: string, indices: readonly number[]): Promise<boolean[]>;
  isFinished(jobId: string, index: number): Promise<boolean>;
  /** @returns Which of the images `[start, start + count)` are finished. */
  readFinished(jobId: string, start: number, count: number): Promise<boolean[]>;
  /** Tell every worker that a job is to end: see `isCancelled`. */
  cancel(jobId: string): Promise<void>;
  isCancelled(jobId: string): Promise<boolean>;
  /** Forget what is counted. */
  clear(jobId: string): Promise<void>;
  /** A job is to run again. */
  revive(jobId: string): Promise<void>;
  setPaused(jobId: string, isPaused: boolean): Promise<void>;
  /** Forget an ended job. @returns Whether it is forgotten: not while it has rows that are not in the store. */
  remove(jobId: string): Promise<boolean>;
};

/**
 * Progress of running jobs, in Redis: gone with it, and rebuilt from the store.
 *
 * An image is counted once, however often its merge runs: a bitmap holds which are finished. Images in the queue are a
 * hash from their index to their offset in the manifest, bounded by the dispatcher's window. What the shards of an image
 * have counted is kept until it is finished, and replaced where one runs again.
 */
export type JobProgressStore = JobCounts & UndrainedRowStore & LostResults;

/** Commands in one MULTI: Redis serves nobody else meanwhile. */
const launchedAtOnce = 500;

const countOnce = `
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[4])
redis.call('HDEL', KEYS[7], ARGV[1])
if redis.call('SETBIT', KEYS[2], ARGV[1], 1) == 0 then
  redis.call('HINCRBY', KEYS[1], ARGV[2], 1)
  if ARGV[5] ~= '' then
    redis.call('SET', KEYS[6], ARGV[6], 'NX')
    redis.call('RPUSH', KEYS[5], ARGV[5])
    redis.call('EXPIRE', KEYS[5], ARGV[3])
    redis.call('EXPIRE', KEYS[6], ARGV[3])
  end
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  redis.call('EXPIRE', KEYS[2], ARGV[3])
  return 1
end
return 0`;

const takeChanged = `
local ids = redis.call('SPOP', KEYS[1], ARGV[1])
if #ids == 0 then return {{}, {}} end
return {ids, redis.call('HMGET', KEYS[2], unpack(ids))}`;

/** One step: a row that comes after the last drain is not lost. */
const removeDrained = `
if redis.call('LLEN', KEYS[1]) > 0 then return 0 end
redis.call('DEL', unpack(KEYS, 3))
redis.call('HDEL', KEYS[2], ARGV[1])
return 1`;

const registry = `${redisPrefix}:registered`;
/** Jobs whose working memory changed since the dispatcher last looked. */
const changes = `${redisPrefix}:changed`;
export function createJobProgressStore(redis: Redis): JobProgressStore {
  const write = async (jobId: string, fields: Record<string, number>): Promise<void> => {
    const key = jobKeys(jobId).progress;
    await redis.multi().hset(key, fields).expire(key, keepSeconds).exec();
  };
  return {
    ...createUndrainedRowStore(redis),
    ...createLostResults(redis),
    async register(tenant, jobId) {
      await execute(redis.multi().hset(registry, jobId, tenant).sadd(changes, jobId));
    },
    async unregister(jobId) {
      await execute(redis.multi().hdel(registry, jobId).sadd(changes, jobId));
    },
    listRegistered: async () => new Map(Object.entries(await redis.hgetall(registry))),
    async takeChanged(limit) {
      const answer = await redis.eval(takeChanged, 2, changes, registry, limit);
      const [ids, tenants] = answer as [string[], (string | null)[]];
      return new Map(ids.map((id, at) => [id, tenants[at] ?? null]));
    },
    async tell(jobId) {
      await redis.sadd(changes, jobId);
    },
    read: async (jobId) => progressOf(await redis.hgetall(jobKeys(jobId).progress)),
    async readAll(jobIds) {
      if (jobIds.length === 0) return [];
      const pipeline = redis.pipeline().time();
      for (const jobId of jobIds) {
        const { progress, cancelled, paused, flight, ring, rows } = jobKeys(jobId);
        pipeline.hgetall(progress).exists(cancelled).exists(paused);
        pipeline.hlen(flight).hvals(ring).llen(rows);
      }
      const [time, ...answers] = await execute(pipeline);
      const [seconds, microseconds] = (time as string[]).map(Number);
      const nowMs = (seconds ?? 0) * 1_000 + (microseconds ?? 0) / 1_000;
      return jobIds.map((_, at) => {
        const [fields, isCancelled, isPaused, ...counts] = answers.slice(6 * at, 6 * at + 6);
        return {
          progress: progressOf(fields as Record<string, string>),
          isCancelled: isCancelled === 1,
          isPaused: isPaused === 1,
          inFlight: counts[0] as number,
          positionsPerSecond: measureRate(counts[1] as string[], nowMs),
          undrained: counts[2] as number,
        };
      });
    },
    async start(jobId, startedAtMs) {
      const { flight, ring } = jobKeys(jobId);
      // What was in flight is lost, or is found finished when the manifest is read again.
      await redis.del(flight, ring);
      await write(jobId, { startedAtMs, index: 0, offset: 0 });
    },
    async launch(jobId, images, { index, offset }) {
      const { flight, progress } = jobKeys(jobId);
      for (let start = 0; start < images.length; start += launchedAtOnce) {
        const batch = images.slice(start, start + launchedAtOnce);
        const fields = Object.fromEntries(batch.map((image) => [image.index, image.offset]));
        await redis.multi().hset(flight, fields).expire(flight, keepSeconds).exec();
      }
      await redis.multi().hset(progress, { index, offset }).expire(progress, keepSeconds).exec();
    },
    async addPositions(jobId, positions) {
      const key = jobKeys(jobId).progress;
      await redis.multi().hincrby(key, 'positions', positions).expire(key, keepSeconds).exec();
    },
    async countPositions(jobId, { image, rowStart, done, fresh }) {
      const { progress, shards, ring, finished } = jobKeys(jobId);
      const counted = [image, rowStart, done, fresh, keepSeconds, ...ringArguments];
      await redis.eval(countShardPositions, 4, progress, shards, ring, finished, ...counted);
    },
    async finishImage(jobId, index, outcome, row) {
      const { progress, finished, flight, rows, epoch, shards } = jobKeys(jobId);
      const keys = [progress, finished, flight, changes, rows, epoch, shards];
      const values = [index, outcome, keepSeconds, jobId, row ?? '', randomUUID()];
      return (await redis.eval(countOnce, 7, ...keys, ...values)) === 1;
    },
    async dropImage(jobId, index) {
      const { flight } = jobKeys(jobId);
      await execute(redis.multi().hdel(flight, String(index)).sadd(changes, jobId));
    },
    async listInFlight(jobId) {
      return Object.entries(await redis.hgetall(jobKeys(jobId).flight)).map(([index, offset]) => ({
        index: Number(index),
        offset: Number(offset),
      }));
    },
    async readInFlight(jobId, indices) {
      if (indices.length === 0) return [];
      const offsets = await redis.hmget(jobKeys(jobId).flight, ...indices.map(String));
      return offsets.map((offset) => offset !== null);
    },
    async isFinished(jobId, index) {
      return (await redis.getbit(jobKeys(jobId).finished, index)) === 1;
    },
    async readFinished(jobId, start, count) {
      const first = start >> 3;
      const last = (start + count - 1) >> 3;
      const bytes = await redis.getrangeBuffer(jobKeys(jobId).finished, first, last);
      // Redis numbers the bits of a byte from its most significant one; bits that were never set end early.
      const bitAt = (bit: number) => ((bytes[(bit >> 3) - first] ?? 0) >> (7 - (bit & 7))) & 1;
      return Array.from({ length: count }, (_, at) => bitAt(start + at) === 1);
    },
    async cancel(jobId) {
      const { cancelled } = jobKeys(jobId);
      await execute(redis.multi().set(cancelled, 1, 'EX', keepSeconds).sadd(changes, jobId));
    },
    async isCancelled(jobId) {
      return (await redis.exists(jobKeys(jobId).cancelled)) === 1;
    },
    async clear(jobId) {
      const { progress, finished, flight, shards, ring } = jobKeys(jobId);
      await redis.del(progress, finished, flight, shards, ring);
    },
    async revive(jobId) {
      const { cancelled, paused, losses } = jobKeys(jobId);
      await execute(redis.multi().del(cancelled, paused, losses).sadd(changes, jobId));
    },
    async setPaused(jobId, isPaused) {
      const { paused } = jobKeys(jobId);
      // For as long as the user says: it goes with the job.
      const change = isPaused ? redis.multi().set(paused, 1) : redis.multi().del(paused);
      await execute(change.sadd(changes, jobId));
    },
    async remove(jobId) {
      const { cancelled: _, rows, ...others } = jobKeys(jobId);
      const keys = [rows, registry, ...Object.values(others)];
      const removal = redis.multi().eval(removeDrained, keys.length, ...keys, jobId);
      const [isRemoved] = await execute(removal.sadd(changes, jobId));
      return isRemoved === 1;
    },
  };
}

function progressOf(fields: Record<string, string>): Progress | null {
  if (fields.startedAtMs === undefined) return null;
  const number = (name: string) => Number(fields[name] ?? 0);
  return {
    cursor: { index: number('index'), offset: number('offset') },
    completed: number('completed'),
    failed: number('failed'),
    positions: number('positions'),
    startedAtMs: number('startedAtMs'),
  };
}

/** @throws The first command's error. */
async function execute(pipeline: ChainableCommander): Promise<unknown[]> {
  const answers = (await pipeline.exec()) ?? [];
  return answers.map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
}
