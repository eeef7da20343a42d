import type { Redis } from 'ioredis';
import { Gauge, Histogram, type Registry } from 'prom-client';

const patienceMs = 1_000;

/**
 * Watch Redis through one PING a reading: a round trip as every command of this process has it, at no
 * cost to them.
 *
 * @returns Takes the reading, and says whether Redis answered; never throws.
 */
export function measureRedis(redis: Redis, registry: Registry): () => Promise<boolean> {
  const up = new Gauge({
    name: 'umbra_redis_up',
    help: '1 if Redis answered this process',
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'umbra_redis_ping_seconds',
    help: 'Round trip of a PING from this process',
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.25, 1],
    registers: [registry],
  });
  return async () => {
    const start = performance.now();
    const answered = await ping(redis);
    up.set(answered ? 1 : 0);
    if (answered) seconds.observe((performance.now() - start) / 1000);
    return answered;
  };
}

/** A worker's connection waits for a Redis that is away, so the limit is here. */
async function ping(redis: Redis): Promise<boolean> {
  if (redis.status !== 'ready') return false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs);
  });
  const answer = redis.ping().then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
