import { z } from 'zod';
import { imageId } from './dataset.js';
import { imageResult } from './result.js';
import { baselineRun, shardResult } from './shard.js';

/** What is known of an image while it runs: bands of rows, and nothing of the rows between them. */
export const partialResult = z.strictObject({
  image: imageId,
  /** Rows of all grids, one after the other; null while the image's extent is not known. */
  rows: z.int().min(1).nullable(),
  /** One a patch size; none while `rows` is null. */
  grids: z.array(imageResult.shape.grids.element.pick({ patch: true, rows: true, columns: true })),
  /** Prediction for the unoccluded image; null before the first rows are done. */
  predicted: baselineRun.shape.predicted.nullable(),
  /** Targets in the order of the scores' first axis; none before the first rows are done. */
  targets: z.array(baselineRun.shape.targets.element),
  /** What is done, top to bottom: `scores` and `winners` as in a shard's result. */
  bands: z.array(
    shardResult.pick({ rowStart: true, rowEnd: true, scores: true, predictedClasses: true }),
  ),
});
export type PartialResult = z.output<typeof partialResult>;
