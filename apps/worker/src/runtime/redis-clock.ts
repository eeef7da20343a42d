import { redisTimeMs } from '@umbra/platform/redis/redis-time';
import type { RedisQueueBackend } from 'bullmq';
import type { Redis } from 'ioredis';

/** Age beyond which Redis is asked again, ms. */
const maxAgeMs = 10_000;

/** The time of Redis, ms since 1970, for a process whose own clock may be wrong, or set meanwhile. */
export type RedisClock = {
  now(): Promise<number>;
  /** The time that this process's clock will show, or has shown, at a time of Redis. */
  toOwn(redisMs: number): number;
};

export function createRedisClock(redis: Pick<Redis, 'time'>): RedisClock {
  let asked: { readonly redisMs: number; readonly at: number } | undefined;
  const sinceMs = ({ at }: { readonly at: number }) => performance.now() - at;
  return {
    async now() {
      if (asked === undefined || sinceMs(asked) > maxAgeMs) {
        asked = { redisMs: await redisTimeMs(redis), at: performance.now() };
      }
      return Math.floor(asked.redisMs + sinceMs(asked));
    },
    toOwn(redisMs) {
      return asked === undefined ? redisMs : redisMs - asked.redisMs - sinceMs(asked) + Date.now();
    },
  };
}

/** Place of the time among the arguments of BullMQ's scripts that delay queue jobs, or take those that are due. */
const timeIndex: Readonly<Record<string, number>> = {
  moveToActive: 12,
  moveToDelayed: 12,
  moveToFinished: 15,
};

/**
 * Let a backend tell delays by the clock of Redis. BullMQ takes the process's own: what a worker delays
 * whose clock is an hour ahead, the others leave for that hour; and one that is behind leaves theirs.
 */
export function useRedisClock(backend: RedisQueueBackend, clock: RedisClock): void {
  const execute = backend.execCommand.bind(backend);
  backend.execCommand = async (client, name, given) => {
    const index = timeIndex[name];
    if (index === undefined) return execute(client, name, given);
    if (typeof given[index] !== 'number') {
      throw new Error(`Expected a time in argument ${index} of '${name}', got '${given[index]}'`);
    }
    return execute(client, name, given.with(index, await clock.now()));
  };
}
