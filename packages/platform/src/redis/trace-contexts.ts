import { createLoadingCache } from '@umbra/shared/cache';
import type { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';
import type { Tracing } from '../telemetry/tracing.js';

/**
 * Which trace a job belongs to, in Redis: one dispatcher queues the images of all jobs, long after the
 * requests that made them.
 */
export type TraceContextStore = {
  /** Store the active trace as a job's. */
  remember(jobId: string): Promise<void>;
  /** @returns A job's trace in BullMQ's form; undefined where it has none. */
  recall(jobId: string): Promise<string | undefined>;
  /**
   * What an image's queue jobs are to carry: the first images of a job have a span each, which says that
   * they were queued, and the others none. A million of them would make no trace that anyone can read.
   */
  queued(ids: { tenant: string; jobId: string; imageId: string }): Promise<string | undefined>;
};

const keepSeconds = 7 * 24 * 3600;
/** Jobs whose traces are held in memory; others are read again. */
const heldJobs = 1_000;

type TracedJob = { readonly carrier: string | undefined; imagesLeft: number };

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
  const held = createLoadingCache<TracedJob>({ maxEntries: heldJobs });
  const read = async (jobId: string): Promise<TracedJob> => ({
    carrier: (await redis.get(key(jobId))) ?? undefined,
    imagesLeft: images,
  });
  const load = (jobId: string) => held.load(jobId, () => read(jobId));
  return {
    async remember(jobId) {
      const carrier = tracing.carrier();
      if (carrier === undefined) return;
      await redis.set(key(jobId), carrier, 'EX', keepSeconds);
    },
    recall: async (jobId) => (await load(jobId)).carrier,
    async queued({ tenant, jobId, imageId }) {
      const traced = await load(jobId);
      if (traced.carrier === undefined || traced.imagesLeft === 0) return undefined;
      traced.imagesLeft -= 1;
      return tracing.mark(traced.carrier, 'queue image', {
        'umbra.tenant': tenant,
        'umbra.job': jobId,
        'umbra.image': imageId,
      });
    },
  };
}
