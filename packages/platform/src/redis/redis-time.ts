import type { Redis } from 'ioredis';

/** The time by the clock of Redis, ms since 1970: one for all processes, whose own may differ. */
export async function redisTimeMs(redis: Pick<Redis, 'time'>): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}
