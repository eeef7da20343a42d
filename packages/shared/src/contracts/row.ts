import { z } from 'zod';
import { datasetItem, errorReport, imageId, itemLabel } from './dataset.js';
import { box, type ImageResult, imageState } from './result.js';
import { baselineRun, classOf, rankedClasses } from './shard.js';

const count = z.int().min(0);

/** What an image's run came to; null where that is not known, or not yet. */
const outcome = {
  error: errorReport.nullable(),
  predicted: baselineRun.shape.predicted.nullable(),
  /** Whether the label names the predicted class; null without a label, or where it names no class. */
  isRight: z.boolean().nullable(),
  /** The most probable classes of the baseline run. */
  top: rankedClasses.nullable(),
  /** The first target; the numbers below are of it. */
  target: classOf.nullable(),
  /** Baseline score, in the job's unit. */
  score: z.number().nullable(),
  /** Baseline score minus the lowest one. */
  drop: z.number().nullable(),
  /** The position of the lowest score. */
  lowest: z
    .strictObject({
      /** Index into the job's patch sizes. */
      grid: count,
      row: count,
      column: count,
      /** The patch there, half-open, px of the upright photo; null in results of before it was kept. */
      box: box.nullable(),
    })
    .nullable(),
  /** Positions at which the decision changes, of all patch sizes, and their share of those that were run. */
  flips: count.nullable(),
  flippedShare: z.number().min(0).max(1).nullable(),
  /** Share of the positive attribution in the outer tenth of the frame on each side. */
  borderShare: z.number().min(0).max(1).nullable(),
  /** Time that computing the scores took, of all shards together; null where Redis lost it. */
  seconds: z.number().min(0).nullable(),
} as const;

/**
 * How an image of a job ended, one line of a segment of the job's rows. A function of the image's
 * `result.json` and of the time that it took, or of its error.
 */
export const storedRow = z.strictObject({
  version: z.literal(1),
  id: imageId,
  /** The job's attempt in which it ended. */
  attempt: z.int().min(1),
  state: z.enum(['completed', 'failed']),
  ...outcome,
});
export type StoredRow = z.output<typeof storedRow>;

/** The row of an image of a job: what its dataset says of it, and what its run came to. */
export const imageRow = z.strictObject({
  id: imageId,
  /** Position of the image in its dataset. */
  index: count,
  name: z.string(),
  label: itemLabel.nullable(),
  state: imageState,
  ...outcome,
  /** Extent of the upright photo, px. */
  width: datasetItem.shape.width,
  height: datasetItem.shape.height,
});
export type ImageRow = z.output<typeof imageRow>;

/** The most frequent values of a facet, with how many rows have each. */
const facet = <T extends z.ZodType>(value: T) =>
  z.strictObject({
    /** Values that there are, of which the most frequent are listed. */
    distinct: count,
    values: z.array(value),
  });

/** How many of a job's rows say what. */
export const rowFacets = z.strictObject({
  /** Rows that fit the filter. */
  total: count,
  states: z.array(z.strictObject({ state: imageState, count })),
  isRight: z.strictObject({ right: count, wrong: count, unknown: count }),
  labels: facet(z.strictObject({ label: itemLabel, count })),
  predicted: facet(classOf.extend({ count })),
  /** Labels against predicted classes; null for those of which nothing is predicted yet. */
  pairs: facet(z.strictObject({ label: itemLabel, predicted: classOf.nullable(), count })),
});
export type RowFacets = z.output<typeof rowFacets>;

const nothing = {
  error: null,
  predicted: null,
  isRight: null,
  top: null,
  target: null,
  score: null,
  drop: null,
  lowest: null,
  flips: null,
  flippedShare: null,
  borderShare: null,
  seconds: null,
} as const;

/**
 * The row of an image that has a result.
 *
 * @param seconds Time that it took; null where only its result is left to tell.
 */
export function completedRow(
  attempt: number,
  result: ImageResult,
  seconds: number | null,
): StoredRow {
  const { image, grids, predicted, top, isRight } = result;
  const base = { version: 1, id: image.id, attempt, state: 'completed', ...nothing } as const;
  const [target] = result.targets;
  if (target === undefined) return base;
  const { index, label, score, lowest, borderShare } = target;
  const { grid, row, column, photoBox } = lowest;
  const flips = sum(grids.flatMap((one) => one.flips.map(({ positions }) => positions.length)));
  return {
    ...base,
    predicted,
    isRight: isRight ?? null,
    top: top ?? null,
    target: { index, label },
    score,
    drop: score - lowest.score,
    lowest: { grid, row, column, box: photoBox ?? null },
    flips,
    flippedShare: flips / sum(grids.map(({ computed }) => computed)),
    borderShare: borderShare ?? null,
    seconds,
  };
}

/** The row of an image that failed. */
export const failedRow = (
  attempt: number,
  id: string,
  error: NonNullable<StoredRow['error']>,
): StoredRow => ({ version: 1, id, attempt, state: 'failed', ...nothing, error });

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
