import { createLoadingCache } from '@umbra/shared/cache';
import {
  type RunningWork,
  runningWork,
  storedWorkerNotice,
  type WorkerNotice,
} from '@umbra/shared/contracts/worker';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { redisPrefix } from '../queues/names.js';
import { redisTimeMs } from './redis-time.js';

/** A queue job that a worker runs, and for how long, ms: workers tell no times of their own clocks. */
export type RanWork = Omit<RunningWork, 'since'> & { readonly ranMs: number };

/** A live worker, and what it ran at its last heartbeat. */
export type WorkerAtWork = {
  readonly worker: WorkerNotice;
  readonly running: readonly RunningWork[];
};

/** The live workers, in Redis: each sends a heartbeat every few seconds, told by the clock of Redis. */
export type WorkerRegistry = {
  heartbeat(worker: Omit<WorkerNotice, 'seenAt'>, running?: readonly RanWork[]): Promise<void>;
  leave(id: string): Promise<void>;
  /** List the workers whose last heartbeat is at most 10 s old, and forget the others. */
  list(): Promise<WorkerNotice[]>;
  /** @returns Those workers with what they run, in one more round trip. */
  listAtWork(): Promise<WorkerAtWork[]>;
};

export const heartbeatMs = 3_000;
/** A worker without a heartbeat for this long counts as gone. */
const goneMs = 10_000;
const key = `${redisPrefix}:fleet`;
/** Beside the notice, which is read far more often than what is run. */
const workKey = (id: string): string => `${redisPrefix}:fleet:work:${id}`;
const storedWork = z.array(runningWork);

export function createWorkerRegistry(redis: Redis): WorkerRegistry {
  const read = async (): Promise<WorkerNotice[]> =>
    Object.values(await redis.hgetall(key)).flatMap((text) => {
      const parsed = storedWorkerNotice.safeParse(parse(text));
      return parsed.success ? [parsed.data] : [];
    });
  const isLive = ({ seenAt }: WorkerNotice, nowMs: number) => nowMs - Date.parse(seenAt) < goneMs;
  const list = async (): Promise<WorkerNotice[]> => {
    const nowMs = await redisTimeMs(redis);
    const known = await read();
    // Here and not at each heartbeat: a thousand workers would read each other's notices all the time.
    const gone = known.filter((worker) => !isLive(worker, nowMs)).map(({ id }) => id);
    if (gone.length > 0) await redis.hdel(key, ...gone);
    return known.filter(({ id }) => !gone.includes(id));
  };
  return {
    async heartbeat(worker, running = []) {
      const nowMs = await redisTimeMs(redis);
      const notice: WorkerNotice = { ...worker, seenAt: new Date(nowMs).toISOString() };
      const work = running.map(({ ranMs, ...one }): RunningWork => {
        return { ...one, since: new Date(nowMs - ranMs).toISOString() };
      });
      await Promise.all([
        redis.hset(key, worker.id, JSON.stringify(notice)),
        work.length === 0
          ? redis.del(workKey(worker.id))
          : redis.set(workKey(worker.id), JSON.stringify(work), 'PX', goneMs),
      ]);
    },
    async leave(id) {
      await Promise.all([redis.hdel(key, id), redis.del(workKey(id))]);
    },
    list,
    async listAtWork() {
      const workers = await list();
      if (workers.length === 0) return [];
      const found = await redis.mget(workers.map(({ id }) => workKey(id)));
      return workers.map((worker, index) => {
        const parsed = storedWork.safeParse(parse(found[index] ?? '[]'));
        return { worker, running: parsed.success ? parsed.data : [] };
      });
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

/** A worker registry whose lists may be this old, for callers that ask often. */
export function cacheWorkerList(workerRegistry: WorkerRegistry, freshMs: number): WorkerRegistry {
  const lists = createLoadingCache<WorkerNotice[]>({ maxEntries: 1, ttlMs: freshMs });
  const atWork = createLoadingCache<WorkerAtWork[]>({ maxEntries: 1, ttlMs: freshMs });
  return {
    ...workerRegistry,
    list: () => lists.load('all', workerRegistry.list),
    listAtWork: () => atWork.load('all', workerRegistry.listAtWork),
  };
}
