import type { ModelBundle } from '@umbra/shared/contracts/model';

/** Index of a channel's first pixel in a tensor, and the distance between its pixels. */
export function channelStride(
  layout: ModelBundle['input']['layout'],
  channel: number,
  pixels: number,
): [start: number, step: number] {
  return layout === 'NCHW' ? [channel * pixels, 1] : [channel, 3];
}
