import type { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';

/**
 * Who computes an image's rows, so that nobody else computes the same ones meanwhile: in Redis, by the
 * address of the work.
 *
 * Best effort. A claim that is not renewed lapses soon, whatever became of its owner, and then somebody
 * else has it: rows may be computed twice, and nobody waits for the dead.
 */
export type ScoreLease = {
  /** Claim, or claim again. `taken`: somebody else has it. */
  claim(tenant: string, address: string, owner: string): Promise<'new' | 'own' | 'taken'>;
  release(tenant: string, address: string, owner: string): Promise<void>;
};

/** How long a claim lasts; those who compute renew it several times in that. */
export const leaseMs = 5_000;

const take = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 'taken' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return owner and 'own' or 'new'`;

const giveBack = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

export function createScoreLease(redis: Redis): ScoreLease {
  const keyOf = (tenant: string, address: string) => `${redisPrefix}:claim:${tenant}:${address}`;
  return {
    async claim(tenant, address, owner) {
      const answer = await redis.eval(take, 1, keyOf(tenant, address), owner, leaseMs);
      return answer as 'new' | 'own' | 'taken';
    },
    async release(tenant, address, owner) {
      await redis.eval(giveBack, 1, keyOf(tenant, address), owner);
    },
  };
}

/** An image of a job in one of its runs. */
export const leaseOwner = (work: {
  readonly jobId: string;
  readonly attempt: number;
  readonly item: { readonly id: string };
}): string => `${work.jobId}-${work.attempt}-${work.item.id}`;
