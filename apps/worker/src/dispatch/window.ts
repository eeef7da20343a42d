/** What the queue of one kind of shard holds, and may hold. */
export type Window = {
  /** Inference threads that serve it. */
  readonly inferenceThreads: number;
  /** At most so many images, whatever they cost. */
  readonly maxImages: number;
  images: number;
  /** What one thread would need for all of it. */
  seconds: number;
};

/**
 * Enough for no thread to idle between two looks of the dispatcher, and little enough that somebody who
 * comes late is soon served.
 */
const horizonSeconds = 1;
const imagesPerThread = 2;

/** Whether the queue takes one more image. */
export function hasRoom({ inferenceThreads, maxImages, images, seconds }: Window): boolean {
  if (images >= maxImages) return false;
  return (
    images < imagesPerThread * Math.max(1, inferenceThreads) ||
    seconds < horizonSeconds * inferenceThreads
  );
}
