import { z } from 'zod';
import { imageRow } from './row.js';

const count = z.int().min(0);

/** What differs between an image's rows of two jobs: the other job's number minus this job's; null where unknown. */
export const rowDifference = z.strictObject({
  /** How much changed, in [0, 2]: 1 and more where the predicted class did; null unless both are finished. */
  change: z.number().min(0).max(2).nullable(),
  /** Whether another class is predicted. */
  predicted: z.boolean().nullable(),
  /** Whether the numbers below are of different targets. */
  target: z.boolean().nullable(),
  /** Null where the jobs score in different units, and so is that of drops. */
  score: z.number().nullable(),
  drop: z.number().nullable(),
  /** Between the centres of the patches that lower the score most, px of the upright photo. */
  distance: z.number().min(0).nullable(),
  /** That distance as a share of the photo's diagonal. */
  distanceShare: z.number().min(0).max(1).nullable(),
});
export type RowDifference = z.output<typeof rowDifference>;

/** The row of an image that two jobs have: this job's, the other one's, and what differs. */
export const comparedRow = imageRow.extend({ other: imageRow, difference: rowDifference });
export type ComparedRow = z.output<typeof comparedRow>;

/** How two jobs differ, in numbers of images. */
export const jobComparison = z.strictObject({
  /** Images are the same by their place in the one dataset, or by the photo's content. */
  matchedBy: z.enum(['image', 'photo']),
  isSameModel: z.boolean(),
  /** Whether scores are of one unit, and may be subtracted. */
  isSameScore: z.boolean(),
  /** Images that both jobs have. */
  both: count,
  onlyJob: count,
  onlyOther: count,
  /** Images that are finished in both. */
  completed: count,
  predictedChanged: count,
  /** Right in this job and wrong in the other one. */
  rightToWrong: count,
  wrongToRight: count,
});
export type JobComparison = z.output<typeof jobComparison>;
