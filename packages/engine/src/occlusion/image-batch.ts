import type { Box } from '@umbra/shared/occlusion/grid';
import type { PixelFormat } from '../image/pixel-format.js';
import type { SharedImage } from '../image/shared-image.js';
import { copyBox, copyRanks, type RankRange } from './copy.js';

/** One image and what to replace in it: an image of the batch for each box or range of ranks. */
export type ImageBatch = SharedImage & (BoxReplacements | RankReplacements);

/** An empty box leaves the image as it is. */
type BoxReplacements = { readonly boxes: readonly Box[] };

/** Sets of pixels, each given as a range of ranks. */
export type RankReplacements = {
  /** int32 [height, width], a rank a pixel. */
  readonly ranks: SharedArrayBuffer;
  readonly ranges: readonly RankRange[];
};

export const batchLength = (batch: ImageBatch): number =>
  'boxes' in batch ? batch.boxes.length : batch.ranges.length;

/**
 * Write the images of a batch one after another.
 *
 * @param target float32 [batchLength(batch), ...one image in `format`].
 */
export function writeBatch(batch: ImageBatch, format: PixelFormat, target: Float32Array): void {
  const original = new Float32Array(batch.original);
  const filled = new Float32Array(batch.filled);
  const imageAt = (index: number): Float32Array => {
    const image = target.subarray(index * original.length, (index + 1) * original.length);
    image.set(original);
    return image;
  };
  if ('boxes' in batch) {
    const placed = { ...batch.size, ...format };
    for (const [index, box] of batch.boxes.entries()) copyBox(imageAt(index), filled, placed, box);
    return;
  }
  const ranked = { ranks: new Int32Array(batch.ranks), ...format };
  for (const [index, range] of batch.ranges.entries()) {
    copyRanks(imageAt(index), filled, ranked, range);
  }
}
