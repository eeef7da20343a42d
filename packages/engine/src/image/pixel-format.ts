import { channelCount, type ModelBundle } from '@umbra/shared/contracts/model';
import type { Size } from '@umbra/shared/occlusion/grid';

/** How the pixels of an image lie in a tensor. */
export type PixelFormat = Pick<ModelBundle['input'], 'layout' | 'channels'>;

/** Index of a channel's first pixel in a tensor, and the distance between its pixels. */
export function channelStride(
  format: PixelFormat,
  channel: number,
  pixels: number,
): [start: number, step: number] {
  return format.layout === 'NCHW' ? [channel * pixels, 1] : [channel, channelCount(format)];
}

/** Count of an image's planes, and of the numbers of a pixel that are neighbours in each. */
export function planesOf(format: PixelFormat): [planes: number, depth: number] {
  const channels = channelCount(format);
  return format.layout === 'NCHW' ? [channels, 1] : [1, channels];
}

/** Extents of a tensor of `count` images. */
export function tensorShape(format: PixelFormat, count: number, { height, width }: Size): number[] {
  const channels = channelCount(format);
  return format.layout === 'NCHW'
    ? [count, channels, height, width]
    : [count, height, width, channels];
}

/** Count of the numbers of one image. */
export const imageLength = (
  format: Pick<PixelFormat, 'channels'>,
  { height, width }: Size,
): number => channelCount(format) * height * width;

/** Index in red, green, blue of a channel of the model; 0 for grey. */
export function colourOf({ channels }: Pick<PixelFormat, 'channels'>, channel: number): number {
  return channels === 'BGR' ? 2 - channel : channel;
}
