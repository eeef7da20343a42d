import type { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';

/**
 * Who works on something, so that nobody else does meanwhile: in Redis, by a key.
 *
 * Best effort. A claim that is not renewed lapses soon, whatever became of its owner, and then somebody
 * else has it: work may be done twice, and nobody waits for the dead.
 */
export type Lease = {
  /** Claim, or claim again. `taken`: somebody else has it. */
  claim(key: string, owner: string): Promise<'new' | 'own' | 'taken'>;
  /** Claim again and again what is claimed. @returns A function that stops it, and releases nothing. */
  renew(key: string, owner: string): () => void;
  release(key: string, owner: string): Promise<void>;
};

/** How long a claim lasts. */
const leaseMs = 5_000;

const take = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 'taken' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return owner and 'own' or 'new'`;

const giveBack = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

/**
 * @param kind What is claimed. `rows`: the rows of an image, by tenant and address, so that they are computed once.
 *   `apart`: an image that may end the process that runs it, so that it costs one process at a time.
 */
export function createLease(redis: Redis, kind: 'rows' | 'apart'): Lease {
  const keyOf = (key: string) => `${redisPrefix}:claim:${kind}:${key}`;
  const claim = async (key: string, owner: string) => {
    const answer = await redis.eval(take, 1, keyOf(key), owner, leaseMs);
    return answer as 'new' | 'own' | 'taken';
  };
  return {
    claim,
    renew(key, owner) {
      const again = () => claim(key, owner).catch(() => undefined);
      const renewing = setInterval(again, leaseMs / 4);
      return () => clearInterval(renewing);
    },
    async release(key, owner) {
      await redis.eval(giveBack, 1, keyOf(key), owner);
    },
  };
}

/** Name an image of a job in one of its runs, in a lease. */
export const nameRun = (work: {
  readonly jobId: string;
  readonly attempt: number;
  readonly item: { readonly id: string };
}): string => `${work.jobId}-${work.attempt}-${work.item.id}`;
