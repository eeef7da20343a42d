import { createLoadingCache } from '@umbra/shared/cache';
import { storedWorkerNotice, type WorkerNotice } from '@umbra/shared/contracts/worker';
import type { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';
import { redisTimeMs } from './redis-time.js';

/** The live workers, in Redis: each sends a heartbeat every few seconds, told by the clock of Redis. */
export type WorkerRegistry = {
  heartbeat(worker: Omit<WorkerNotice, 'seenAt'>): Promise<void>;
  leave(id: string): Promise<void>;
  /** @returns Workers whose last heartbeat is at most 10 s old. */
  list(): Promise<WorkerNotice[]>;
};

export const heartbeatMs = 3_000;
/** A worker without a heartbeat for this long counts as gone. */
const goneMs = 10_000;
const key = `${redisPrefix}:fleet`;

export function createWorkerRegistry(redis: Redis): WorkerRegistry {
  const read = async (): Promise<WorkerNotice[]> =>
    Object.values(await redis.hgetall(key)).flatMap((text) => {
      const parsed = storedWorkerNotice.safeParse(parse(text));
      return parsed.success ? [parsed.data] : [];
    });
  const isLive = ({ seenAt }: WorkerNotice, nowMs: number) => nowMs - Date.parse(seenAt) < goneMs;
  return {
    async heartbeat(worker) {
      const nowMs = await redisTimeMs(redis);
      const notice: WorkerNotice = { ...worker, seenAt: new Date(nowMs).toISOString() };
      await redis.hset(key, worker.id, JSON.stringify(notice));
      const gone = (await read()).filter((other) => !isLive(other, nowMs)).map(({ id }) => id);
      if (gone.length > 0) await redis.hdel(key, ...gone);
    },
    async leave(id) {
      await redis.hdel(key, id);
    },
    async list() {
      const nowMs = await redisTimeMs(redis);
      return (await read()).filter((worker) => isLive(worker, nowMs));
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A worker registry whose list may be this old, for callers that ask often. */
export function cacheWorkerList(workerRegistry: WorkerRegistry, freshMs: number): WorkerRegistry {
  const lists = createLoadingCache<WorkerNotice[]>({ maxEntries: 1, ttlMs: freshMs });
  return { ...workerRegistry, list: () => lists.load('all', workerRegistry.list) };
}
