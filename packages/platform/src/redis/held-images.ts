import type { Redis } from 'ioredis';
import { z } from 'zod';
import { isGone, type ProcessName } from '../process-name.js';
import { redisPrefix } from '../queues/names.js';
import type { ApartWork, ImageAttempt } from './losses.js';

/**
 * The images that the workers of this machine run, in Redis: a worker that starts finds there what one
 * before it had when it ended, long before the queue does.
 */
export type HeldImages = {
  /**
   * @param token Names the work within this process.
   * @param apart What the process for suspects runs of it; null where this process runs it.
   */
  hold(token: string, run: ImageAttempt, apart?: ApartWork | null): Promise<void>;
  release(token: string): Promise<void>;
  /** Take what processes held that are gone. @returns Each with its process. */
  takeLost(): Promise<LostImage[]>;
};

export type LostImage = {
  readonly process: ProcessName;
  readonly run: ImageAttempt;
  readonly apart: ApartWork | null;
};

const keepSeconds = 24 * 3600;
const heldRun = z.object({
  jobId: z.string(),
  attempt: z.number(),
  item: z.object({ id: z.string(), name: z.string(), sha256: z.string() }),
  model: z.object({ name: z.string(), digest: z.string() }),
  apart: z.enum(['rows', 'merge']).nullable().default(null),
});

export function createHeldImages(redis: Redis, here: ProcessName): HeldImages {
  const key = `${redisPrefix}:losses:held:${here.host}`;
  const fieldOf = (token: string): string => `${here.pid} ${here.start} ${token}`;
  return {
    async hold(token, { jobId, attempt, item, model }, apart = null) {
      const { id, name, sha256 } = item;
      const run: ImageAttempt = { jobId, attempt, item: { id, name, sha256 }, model };
      await Promise.all([
        redis.hset(key, fieldOf(token), JSON.stringify({ ...run, apart })),
        redis.expire(key, keepSeconds),
      ]);
    },
    async release(token) {
      await redis.hdel(key, fieldOf(token));
    },
    async takeLost() {
      const lost: LostImage[] = [];
      for (const [field, text] of Object.entries(await redis.hgetall(key))) {
        const [pid = '', start = ''] = field.split(' ');
        if (!(await isGone({ pid: Number(pid), start }))) continue;
        // Whoever deletes it has it.
        if ((await redis.hdel(key, field)) === 0) continue;
        const held = heldRun.safeParse(JSON.parse(text));
        if (!held.success) continue;
        const { apart, ...run } = held.data;
        lost.push({ process: { host: here.host, pid: Number(pid), start }, run, apart });
      }
      return lost;
    },
  };
}
