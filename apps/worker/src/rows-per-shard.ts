/** Shards that should be waiting for each lane, so that none idles near the end of a job. */
const shardsPerLane = 2;

/**
 * How many grid rows a shard gets: whole images while there are enough to keep every lane busy
 * (nothing is done twice), bands of an image when there are few (all lanes help).
 *
 * @param rows Grid rows of an image.
 * @param images Images of the job that are not yet started.
 * @param lanes Inference threads of the fleet.
 */
export function chooseRowsPerShard(rows: number, images: number, lanes: number): number {
  const shardsPerImage = Math.ceil((shardsPerLane * Math.max(1, lanes)) / Math.max(1, images));
  return Math.ceil(rows / Math.min(rows, shardsPerImage));
}
