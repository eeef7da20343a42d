import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { jobKeys, keepSeconds } from './job-keys.js';

/** How often the store lost what a job's images had there. */
export type LostResults = {
  /**
   * Count that the store lost what an image's runs had put there. Kept until its job ends or is retried.
   *
   * @returns How often it did.
   */
  countLoss(jobId: string, index: number): Promise<number>;
};

/** A command whose reply was lost is sent again: the loss that was counted last counts once. */
const countOneLoss = `
local last = ARGV[1] .. ':last'
if redis.call('HGET', KEYS[1], last) ~= ARGV[2] then
  redis.call('HSET', KEYS[1], last, ARGV[2])
  redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return redis.call('HGET', KEYS[1], ARGV[1])`;

export function createLostResults(redis: Redis): LostResults {
  return {
    async countLoss(jobId, index) {
      const { losses } = jobKeys(jobId);
      const counted = await redis.eval(countOneLoss, 1, losses, index, randomUUID(), keepSeconds);
      return Number(counted);
    },
  };
}
