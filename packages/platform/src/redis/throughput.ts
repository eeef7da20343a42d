import type { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';

/** How long a model's positions take, as measured by all workers, in Redis. */
export type ThroughputStore = {
  /** @param threadSeconds How long one inference thread was busy with these positions. */
  record(model: string, threadSeconds: number, positions: number): Promise<void>;
  /** @returns Seconds a position by model. */
  read(): Promise<ReadonlyMap<string, number>>;
};

const key = `${redisPrefix}:pace`;
/** A shard's weight after n more of them is this to the power of n. */
const decay = 0.95;
const keepSeconds = 30 * 24 * 3600;

/** Sums that forget: large shards weigh more than small ones, and old ones less than new ones. */
const addDecayed = `
local sums = redis.call('HGET', KEYS[1], ARGV[1])
local seconds, positions = 0, 0
if sums then
  local a, b = string.match(sums, '^(%S+) (%S+)$')
  seconds, positions = tonumber(a) * ARGV[4], tonumber(b) * ARGV[4]
end
redis.call('HSET', KEYS[1], ARGV[1],
  string.format('%.9g %.9g', seconds + ARGV[2], positions + ARGV[3]))
redis.call('EXPIRE', KEYS[1], ARGV[5])`;

export function createThroughputStore(redis: Redis): ThroughputStore {
  return {
    async record(model, threadSeconds, positions) {
      await redis.eval(addDecayed, 1, key, model, threadSeconds, positions, decay, keepSeconds);
    },
    async read() {
      const fields = Object.entries(await redis.hgetall(key)).map(([model, sums]) => {
        const [seconds = 0, positions = 0] = sums.split(' ').map(Number);
        return [model, seconds / positions] as const;
      });
      return new Map(fields.filter(([, throughput]) => Number.isFinite(throughput)));
    },
  };
}
