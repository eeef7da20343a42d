import { z } from 'zod';
import { errorReport, imageId } from './dataset.js';
import { counts, jobState } from './job.js';
import { baselineRun, shardResult } from './shard.js';

/** What is told of a job while it runs, by the event's name. */
export const jobEvents = {
  state: z.strictObject({ state: jobState, counts, error: errorReport.nullable() }),
  progress: z.strictObject({
    completed: z.int().min(0),
    failed: z.int().min(0),
    /** Occluded positions done. */
    positions: z.int().min(0),
  }),
  image: z.strictObject({
    id: imageId,
    state: z.enum(['completed', 'failed']),
    error: errorReport.nullable(),
  }),
} as const;
export type JobEventName = keyof typeof jobEvents;
export type JobEventData<N extends JobEventName> = z.output<(typeof jobEvents)[N]>;

/**
 * A band of an image's rows that has just been scored. It is told to those alone who ask for bands, and not
 * kept: the image's partial result has those before it.
 */
export const bandEvent = z.strictObject({
  image: imageId,
  /** Rows of all grids, one after the other. */
  rowStart: z.int().min(0),
  rowEnd: z.int().min(1),
  /** null for a band that is too large to be told: the image's partial result has it. */
  values: z
    .strictObject({
      predicted: baselineRun.shape.predicted,
      /** A cell's drop is its target's `score` here, which is the baseline's, less its own. */
      targets: z.array(baselineRun.shape.targets.element),
      /** As in a shard's result. */
      ...shardResult.pick({ scores: true, predictedClasses: true }).shape,
    })
    .nullable(),
});
export type BandEvent = z.output<typeof bandEvent>;

/** An event as it is kept: its data is JSON already, since it is sent on as it is. */
export type JobEvent = { readonly id: string; readonly name: JobEventName; readonly data: string };

/** Ids of events grow with time, also over the loss of Redis. */
export const eventIdForm = /^\d{1,15}-\d{1,15}$/;
export const firstEventId = '0-0';

/** @returns Negative where `a` comes first, 0 where they are the same. */
export function compareEventIds(a: string, b: string): number {
  const [aTime = 0, aCount = 0] = a.split('-').map(Number);
  const [bTime = 0, bCount = 0] = b.split('-').map(Number);
  return aTime - bTime || aCount - bCount;
}
