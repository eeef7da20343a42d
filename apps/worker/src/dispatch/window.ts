/** What the queue of one kind of shard holds, and may hold. */
export type Window = {
  /** Inference threads that serve it. */
  readonly lanes: number;
  /** At most so many images, whatever they cost. */
  readonly mostImages: number;
  images: number;
  /** What one thread would need for all of it. */
  seconds: number;
};

/**
 * Enough for no thread to idle between two looks of the dispatcher, and little enough that somebody who
 * comes late is soon served.
 */
const horizonSeconds = 1;
const imagesPerLane = 2;

/** Whether the queue takes one more image. */
export function hasRoom({ lanes, mostImages, images, seconds }: Window): boolean {
  if (images >= mostImages) return false;
  return images < imagesPerLane * Math.max(1, lanes) || seconds < horizonSeconds * lanes;
}
