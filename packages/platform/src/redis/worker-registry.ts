import { type WorkerNotice, workerNotice } from '@umbra/shared/contracts/worker';
import type { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';

/** The workers that live, in Redis: each says every few seconds that it is there. */
export type WorkerRegistry = {
  heartbeat(worker: Omit<WorkerNotice, 'seenAt'>): Promise<void>;
  leave(id: string): Promise<void>;
  /** Workers heard of lately. */
  list(): Promise<WorkerNotice[]>;
};

export const heartbeatMs = 3_000;
/** Not heard of for this long, a worker counts as gone. */
const goneMs = 10_000;
const key = `${redisPrefix}:fleet`;

export function createWorkerRegistry(redis: Redis): WorkerRegistry {
  const read = async (): Promise<WorkerNotice[]> =>
    Object.values(await redis.hgetall(key)).flatMap((text) => {
      const parsed = workerNotice.safeParse(parse(text));
      return parsed.success ? [parsed.data] : [];
    });
  const isLive = ({ seenAt }: WorkerNotice) => Date.now() - Date.parse(seenAt) < goneMs;
  return {
    async heartbeat(worker) {
      const notice: WorkerNotice = { ...worker, seenAt: new Date().toISOString() };
      await redis.hset(key, worker.id, JSON.stringify(notice));
      const gone = (await read()).filter((other) => !isLive(other)).map(({ id }) => id);
      if (gone.length > 0) await redis.hdel(key, ...gone);
    },
    async leave(id) {
      await redis.hdel(key, id);
    },
    list: async () => (await read()).filter(isLive),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A fleet book for those who ask often: what it lists may be this old. */
export function cacheWorkerList(workerRegistry: WorkerRegistry, freshMs: number): WorkerRegistry {
  let last: { readonly at: number; readonly list: Promise<WorkerNotice[]> } | undefined;
  return {
    ...workerRegistry,
    list() {
      if (last !== undefined && performance.now() - last.at < freshMs) return last.list;
      const list = workerRegistry.list();
      last = { at: performance.now(), list };
      list.catch(() => {
        last = undefined;
      });
      return list;
    },
  };
}
