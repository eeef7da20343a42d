/** Shards queued for each inference thread, so that none idles near the end of a job. */
const shardsPerThread = 2;

export type ShardSizing = {
  /** Grid rows of an image, an integer >= 1. */
  readonly rows: number;
  /** Positions of its widest row. */
  readonly positionsPerRow: number;
  /** Images that are waiting for these inference threads, this one among them. */
  readonly images: number;
  /** Inference threads of the fleet that run the model. */
  readonly inferenceThreads: number;
  /** Measured time of a position in one inference thread; null while the model was never measured. */
  readonly secondsPerPosition: number | null;
  /** Target maximum for a shard: far below the lock duration and the shutdown deadline. */
  readonly targetSeconds: number;
};

/**
 * Choose the number of grid rows of a shard: whole images while there are enough to keep every inference thread busy
 * (nothing is done twice), bands of an image when there are few (all inference threads help), and never more
 * than the target time allows, but at least one row.
 *
 * @returns Rows of the largest of bands that are as equal as can be.
 */
export function chooseRowsPerShard(sizing: ShardSizing): number {
  const { rows, positionsPerRow, images, inferenceThreads, secondsPerPosition, targetSeconds } =
    sizing;
  const forThreads = Math.ceil(
    (shardsPerThread * Math.max(1, inferenceThreads)) / Math.max(1, images),
  );
  const rowSeconds = secondsPerPosition === null ? 0 : positionsPerRow * secondsPerPosition;
  // As many rows as fit, and so as many bands as that makes; a row alone may be over the target.
  const fitting = rowSeconds > 0 ? Math.max(1, Math.floor(targetSeconds / rowSeconds)) : rows;
  const bands = Math.min(rows, Math.max(forThreads, Math.ceil(rows / fitting)));
  return Math.ceil(rows / bands);
}
