import type { ModelReference } from '@umbra/shared/contracts/reference';
import type { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';

/** A model's name, and how long one of its positions takes in one inference thread, s. */
export type MeasuredModel = { readonly name: string; readonly secondsPerPosition: number };

/** How long models' positions take, as measured by all workers, in Redis. */
export type ThroughputStore = {
  /** @param threadSeconds How long one inference thread was busy with these positions. */
  record(
    model: Pick<ModelReference, 'name' | 'digest'>,
    threadSeconds: number,
    positions: number,
  ): Promise<void>;
  /** @returns What was measured, by the model's digest: tenants have models of the same name. */
  read(): Promise<ReadonlyMap<string, MeasuredModel>>;
};

const key = `${redisPrefix}:pace:models`;
/** A model that is forgotten for others is measured again with its next shard. */
const maxModels = 1_000;
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
elseif redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[6]) then
  redis.call('HDEL', KEYS[1], redis.call('HRANDFIELD', KEYS[1]))
end
redis.call('HSET', KEYS[1], ARGV[1],
  string.format('%.9g %.9g', seconds + ARGV[2], positions + ARGV[3]))
redis.call('EXPIRE', KEYS[1], ARGV[5])`;

export function createThroughputStore(redis: Redis): ThroughputStore {
  return {
    async record({ name, digest }, threadSeconds, positions) {
      const limits = [decay, keepSeconds, maxModels];
      const field = `${digest} ${name}`;
      await redis.eval(addDecayed, 1, key, field, threadSeconds, positions, ...limits);
    },
    async read() {
      const fields = Object.entries(await redis.hgetall(key)).map(([model, sums]) => {
        const [digest = '', name = ''] = model.split(' ');
        const [seconds = 0, positions = 0] = sums.split(' ').map(Number);
        return [digest, { name, secondsPerPosition: seconds / positions }] as const;
      });
      return new Map(fields.filter(([, model]) => Number.isFinite(model.secondsPerPosition)));
    },
  };
}
