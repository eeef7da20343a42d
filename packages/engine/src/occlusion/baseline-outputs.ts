import { createLoadingCache } from '@umbra/shared/cache';
import { imageKey, type SharedImage } from '../image/shared-image.js';

/** Outputs of the last unoccluded images, so that shards of one image do not run it again. */
export type BaselineOutputs = {
  /**
   * The output for an image, float32 [classes]; made where it is not kept. Shards that ask at once
   * share one making.
   */
  get(image: SharedImage, make: () => Promise<Float32Array>): Promise<Float32Array>;
};

/** An output is some kilobytes; a process hardly works on more images than this at once. */
const maxKept = 64;

export function createBaselineOutputs(): BaselineOutputs {
  const outputs = createLoadingCache<Float32Array>({ maxEntries: maxKept });
  return { get: (image, make) => outputs.load(imageKey(image), make) };
}
