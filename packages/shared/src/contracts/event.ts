import { z } from 'zod';
import { errorReport, imageId } from './dataset.js';
import { counts, jobState } from './job.js';

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
