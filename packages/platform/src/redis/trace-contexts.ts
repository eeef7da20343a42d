import type { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';
import type { Tracing } from '../telemetry/tracing.js';

/**
 * Which trace a job belongs to, in Redis: one dispatcher queues the images of all jobs, long after the
 * requests that made them.
 */
export type TraceContextStore = {
  /** Note the trace that is being run as a job's. */
  remember(jobId: string): Promise<void>;
  /** As BullMQ carries it; undefined where the job has no trace. */
  recall(jobId: string): Promise<string | undefined>;
  /**
   * What an image's queue jobs are to carry: the first images of a job have a span each, which says that
   * they were queued, and the others none. A million of them would make no trace that anyone can read.
   */
  queued(ids: { tenant: string; jobId: string; imageId: string }): Promise<string | undefined>;
};

const keepSeconds = 7 * 24 * 3600;
/** Jobs whose traces are held in memory; the oldest is read again. */
const heldJobs = 1_000;

/** @param images How many of a job's images are traced. */
export function createTraceContextStore(
  redis: Redis,
  tracing: Tracing,
  images: number,
): TraceContextStore {
  if (tracing.telemetry === undefined) {
    return {
      remember: async () => undefined,
      recall: async () => undefined,
      queued: async () => undefined,
    };
  }
  const key = (jobId: string) => `${redisPrefix}:trace:${jobId}`;
  const held = new Map<string, { readonly carrier: string | undefined; left: number }>();
  const hold = async (jobId: string) => {
    const known = held.get(jobId);
    if (known !== undefined) return known;
    const carrier = (await redis.get(key(jobId))) ?? undefined;
    const one = { carrier, left: images };
    held.set(jobId, one);
    for (const oldest of [...held.keys()].slice(0, -heldJobs)) held.delete(oldest);
    return one;
  };
  return {
    async remember(jobId) {
      const carrier = tracing.carrier();
      if (carrier === undefined) return;
      await redis.set(key(jobId), carrier, 'EX', keepSeconds);
    },
    recall: async (jobId) => (await hold(jobId)).carrier,
    async queued({ tenant, jobId, imageId }) {
      const one = await hold(jobId);
      if (one.carrier === undefined || one.left === 0) return undefined;
      one.left -= 1;
      return tracing.mark(one.carrier, 'queue image', {
        ...{ 'umbra.tenant': tenant, 'umbra.job': jobId, 'umbra.image': imageId },
      });
    },
  };
}
