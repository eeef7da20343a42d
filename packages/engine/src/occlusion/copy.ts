import { channelCount } from '@umbra/shared/contracts/model';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import { channelStride, type PixelFormat, planesOf } from '../image/pixel-format.js';

/** Pixels whose rank is in `[from, to)`. */
export type RankRange = { readonly from: number; readonly to: number };

/** Copy the pixels of a box from one image to another, in place; both are of the same format. */
export function copyBox(
  image: Float32Array,
  source: Float32Array,
  { height, width, ...format }: Size & PixelFormat,
  box: Box,
): void {
  // Pixels of a row are neighbours in memory: one plane a channel, or all channels at once.
  const [planes, depth] = planesOf(format);
  for (let plane = 0; plane < planes; plane++) {
    for (let y = box.top; y < box.bottom; y++) {
      const row = plane * height * width + y * width;
      const [start, end] = [(row + box.left) * depth, (row + box.right) * depth];
      image.set(source.subarray(start, end), start);
    }
  }
}

/**
 * Copy the pixels whose rank is in `[from, to)`, in place.
 *
 * @param ranked `ranks` is int32 [height, width]; the format is that of both images.
 */
export function copyRanks(
  image: Float32Array,
  source: Float32Array,
  { ranks, ...format }: { readonly ranks: Int32Array } & PixelFormat,
  { from, to }: RankRange,
): void {
  for (let channel = 0; channel < channelCount(format); channel++) {
    const [start, step] = channelStride(format, channel, ranks.length);
    for (const [pixel, rank] of ranks.entries()) {
      if (rank < from || rank >= to) continue;
      // Hot: both images have a number for each pixel and channel.
      image[start + pixel * step] = source[start + pixel * step] as number;
    }
  }
}
