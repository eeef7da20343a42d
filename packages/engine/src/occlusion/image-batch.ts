import type { Box, Size } from '@umbra/shared/occlusion/grid';
import type { PixelFormat } from '../image/pixel-format.js';
import type { SharedImage } from '../image/shared-image.js';
import { copyBox, copyRanks, type RankRange } from './copy.js';

/** Images to run at once: one with other pixels each time, or several. */
export type ImageBatch = ReplacedImage | ImageStack;

/** One image and what to replace in it: an image of the batch for each box or range of ranks. */
type ReplacedImage = SharedImage & (BoxReplacements | RankReplacements);

/** Whole images of one extent. */
export type ImageStack = {
  /** float32, the images one after another, each in the bundle's layout. */
  readonly images: SharedArrayBuffer;
  readonly count: number;
  readonly size: Size;
};

/** An empty box leaves the image as it is. */
type BoxReplacements = { readonly boxes: readonly Box[] };

/** Sets of pixels, each given as a range of ranks. */
export type RankReplacements = {
  /** int32 [height, width], a rank a pixel. */
  readonly ranks: SharedArrayBuffer;
  readonly ranges: readonly RankRange[];
};

/** Count of a batch's images, and of the numbers of them all. */
export function batchExtent(batch: ImageBatch): {
  readonly images: number;
  readonly numbers: number;
} {
  if ('images' in batch) return { images: batch.count, numbers: batch.images.byteLength / 4 };
  const images = 'boxes' in batch ? batch.boxes.length : batch.ranges.length;
  return { images, numbers: images * (batch.original.byteLength / 4) };
}

/**
 * Write the images of a batch one after another.
 *
 * @param target float32 [images of the batch, ...one image in `format`].
 */
export function writeBatch(batch: ImageBatch, format: PixelFormat, target: Float32Array): void {
  if ('images' in batch) target.set(new Float32Array(batch.images));
  else writeReplaced(batch, format, target);
}

function writeReplaced(batch: ReplacedImage, format: PixelFormat, target: Float32Array): void {
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
