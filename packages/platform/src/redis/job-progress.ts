import { randomUUID } from 'node:crypto';
import type { ChainableCommander, Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';
import { countShardPositions, measureRate, ringArguments } from './recent-positions.js';

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
  /** Names the shard in its job. */
  readonly shard: string;
  /** Positions finished so far. */
  readonly done: number;
  /** Those of them that were not told before. */
  readonly fresh: number;
  readonly isFinished: boolean;
};

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

/**
 * Progress of running jobs, in Redis: gone with it, and rebuilt from the store.
 *
 * An image is counted once, however often its merge runs: a bitmap holds which are finished. Images
 * in the queue are a hash from their index to their offset in the manifest, bounded by the dispatcher's
 * window. Rows of finished images are a list until the dispatcher has put them into the store.
 */
export type JobProgressStore = {
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
  /** Count positions as a shard finishes them, those of a shard that runs twice once. */
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
  /** Rows that are not in the store yet, the first ones first. */
  readRows(jobId: string, range?: RowRangeQuery): Promise<UndrainedRows>;
  /**
   * Forget the first rows, which are in the store, unless somebody else did since they were read.
   *
   * @returns Whether they were forgotten.
   */
  dropRows(jobId: string, rows: DrainedRows): Promise<boolean>;
  /** An image left the queue without an end, since its job was told to end. */
  dropImage(jobId: string, index: number): Promise<void>;
  /**
   * Count that the store lost what an image's runs had put there. Kept until its job ends or is retried.
   *
   * @returns How often it did.
   */
  countLoss(jobId: string, index: number): Promise<number>;
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
  remove(jobId: string): Promise<void>;
};

/** A job that is forgotten leaves no keys behind for longer than this. */
const keepSeconds = 7 * 24 * 3600;
/** Commands in one MULTI: Redis serves nobody else meanwhile. */
const launchedAtOnce = 500;

const countOnce = `
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[4])
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

const takeChanged = `
local ids = redis.call('SPOP', KEYS[1], ARGV[1])
if #ids == 0 then return {{}, {}} end
return {ids, redis.call('HMGET', KEYS[2], unpack(ids))}`;

/** A command whose reply was lost is sent again: the loss that was counted last counts once. */
const countOneLoss = `
local last = ARGV[1] .. ':last'
if redis.call('HGET', KEYS[1], last) ~= ARGV[2] then
  redis.call('HSET', KEYS[1], last, ARGV[2])
  redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return redis.call('HGET', KEYS[1], ARGV[1])`;

const registry = `${redisPrefix}:registered`;
/** Jobs whose working memory changed since the dispatcher last looked. */
const changes = `${redisPrefix}:changed`;
const keysOf = (jobId: string) => ({
  progress: `${redisPrefix}:progress:${jobId}`,
  finished: `${redisPrefix}:finished:${jobId}`,
  flight: `${redisPrefix}:flight:${jobId}`,
  /** Positions that each unfinished shard has counted. */
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

export function createJobProgressStore(redis: Redis): JobProgressStore {
  const write = async (jobId: string, fields: Record<string, number>): Promise<void> => {
    const key = keysOf(jobId).progress;
    await redis.multi().hset(key, fields).expire(key, keepSeconds).exec();
  };
  return {
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
    read: async (jobId) => progressOf(await redis.hgetall(keysOf(jobId).progress)),
    async readAll(jobIds) {
      if (jobIds.length === 0) return [];
      const pipeline = redis.pipeline().time();
      for (const jobId of jobIds) {
        const { progress, cancelled, paused, flight, ring, rows } = keysOf(jobId);
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
      const { flight, shards, ring } = keysOf(jobId);
      // What was in flight is lost, or is found finished when the manifest is read again.
      await redis.del(flight, shards, ring);
      await write(jobId, { startedAtMs, index: 0, offset: 0 });
    },
    async launch(jobId, images, { index, offset }) {
      const { flight, progress } = keysOf(jobId);
      for (let start = 0; start < images.length; start += launchedAtOnce) {
        const batch = images.slice(start, start + launchedAtOnce);
        const fields = Object.fromEntries(batch.map((image) => [image.index, image.offset]));
        await redis.multi().hset(flight, fields).expire(flight, keepSeconds).exec();
      }
      await redis.multi().hset(progress, { index, offset }).expire(progress, keepSeconds).exec();
    },
    async addPositions(jobId, positions) {
      const key = keysOf(jobId).progress;
      await redis.multi().hincrby(key, 'positions', positions).expire(key, keepSeconds).exec();
    },
    async countPositions(jobId, { shard, done, fresh, isFinished }) {
      const { progress, shards, ring } = keysOf(jobId);
      const counted = [shard, done, fresh, isFinished ? 1 : 0, keepSeconds, ...ringArguments];
      await redis.eval(countShardPositions, 3, progress, shards, ring, ...counted);
    },
    async finishImage(jobId, index, outcome, row) {
      const { progress, finished, flight, rows, epoch } = keysOf(jobId);
      const keys = [progress, finished, flight, changes, rows, epoch];
      const values = [index, outcome, keepSeconds, jobId, row ?? '', randomUUID()];
      return (await redis.eval(countOnce, 6, ...keys, ...values)) === 1;
    },
    async readRows(jobId, { from = 0, limit = 1_000_000_000 } = {}) {
      const { rows, drained, epoch } = keysOf(jobId);
      const answer = await redis.eval(readRows, 3, rows, drained, epoch, from, limit);
      const [count, found, name] = answer as [number, string[], string];
      return { epoch: name, drained: count, rows: found };
    },
    async dropRows(jobId, { epoch: name, drained: before, count }) {
      const { rows, drained, epoch } = keysOf(jobId);
      const values = [before, count, keepSeconds, name];
      return (await redis.eval(dropRows, 3, rows, drained, epoch, ...values)) === 1;
    },
    async dropImage(jobId, index) {
      const { flight } = keysOf(jobId);
      await execute(redis.multi().hdel(flight, String(index)).sadd(changes, jobId));
    },
    async countLoss(jobId, index) {
      const { losses } = keysOf(jobId);
      const counted = await redis.eval(countOneLoss, 1, losses, index, randomUUID(), keepSeconds);
      return Number(counted);
    },
    async listInFlight(jobId) {
      return Object.entries(await redis.hgetall(keysOf(jobId).flight)).map(([index, offset]) => ({
        index: Number(index),
        offset: Number(offset),
      }));
    },
    async readInFlight(jobId, indices) {
      if (indices.length === 0) return [];
      const offsets = await redis.hmget(keysOf(jobId).flight, ...indices.map(String));
      return offsets.map((offset) => offset !== null);
    },
    async isFinished(jobId, index) {
      return (await redis.getbit(keysOf(jobId).finished, index)) === 1;
    },
    async readFinished(jobId, start, count) {
      const first = start >> 3;
      const last = (start + count - 1) >> 3;
      const bytes = await redis.getrangeBuffer(keysOf(jobId).finished, first, last);
      // Redis numbers the bits of a byte from its most significant one; bits that were never set end early.
      const bitAt = (bit: number) => ((bytes[(bit >> 3) - first] ?? 0) >> (7 - (bit & 7))) & 1;
      return Array.from({ length: count }, (_, at) => bitAt(start + at) === 1);
    },
    async cancel(jobId) {
      const { cancelled } = keysOf(jobId);
      await execute(redis.multi().set(cancelled, 1, 'EX', keepSeconds).sadd(changes, jobId));
    },
    async isCancelled(jobId) {
      return (await redis.exists(keysOf(jobId).cancelled)) === 1;
    },
    async clear(jobId) {
      const { progress, finished, flight, shards, ring } = keysOf(jobId);
      await redis.del(progress, finished, flight, shards, ring);
    },
    async revive(jobId) {
      const { cancelled, paused, losses } = keysOf(jobId);
      await execute(redis.multi().del(cancelled, paused, losses).sadd(changes, jobId));
    },
    async setPaused(jobId, isPaused) {
      const { paused } = keysOf(jobId);
      // For as long as the user says: it goes with the job.
      const change = isPaused ? redis.multi().set(paused, 1) : redis.multi().del(paused);
      await execute(change.sadd(changes, jobId));
    },
    async remove(jobId) {
      const { cancelled: _, ...keys } = keysOf(jobId);
      const removal = redis.multi().del(Object.values(keys)).hdel(registry, jobId);
      await execute(removal.sadd(changes, jobId));
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
