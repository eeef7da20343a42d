import { z } from 'zod';
import { jobId } from './job.js';
import { cells } from './report.js';

const count = z.int().min(0);

/** Two numbers and their difference, `b - a`; an interval where both have one. */
const changed = z.strictObject({
  a: z.number().nullable(),
  b: z.number().nullable(),
  difference: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});

/** `GET /v1/jobs/:b/report/against/:a`: what differs between two jobs' reports. */
export const reportDifference = z.strictObject({
  version: z.literal(1),
  a: jobId,
  b: jobId,
  metrics: z.record(z.string(), changed),
  /** Classes of both by name, the largest change of the drop first. */
  classes: z.array(
    z.strictObject({
      class: z.string(),
      images: z.strictObject({ a: count, b: count }),
      drop: changed,
      accuracy: changed,
      offObject: changed,
      border: changed,
      /** Cosine of both mean maps; null where one has none. */
      similarity: z.number().nullable(),
      /** Mean map of b minus that of a. */
      atlas: cells.nullable(),
    }),
  ),
  /** Classes that one of them alone has. */
  onlyA: z.array(z.string()),
  onlyB: z.array(z.string()),
  /** Why numbers may not be comparable, such as other units. */
  notes: z.array(z.string()),
});
export type ReportDifference = z.output<typeof reportDifference>;
