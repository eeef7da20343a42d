// Both loops are hot, one pass over every image of a batch: `as number` spares a check an element.

/**
 * Write an image with channels last, from one with a plane a channel.
 *
 * @param planes float32 [channels, height, width]
 * @param target float32 [height, width, channels]
 */
export function interleave<T extends Float32Array>(
  planes: Float32Array,
  target: T,
  channels: number,
): T {
  const area = planes.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    for (let at = 0; at < area; at++)
      target[at * channels + channel] = planes[channel * area + at] as number;
  }
  return target;
}

/** The inverse of `interleave`: a plane a channel. */
export function planar(pixels: Float32Array, channels: number): Float32Array {
  const area = pixels.length / channels;
  const planes = new Float32Array(pixels.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let at = 0; at < area; at++)
      planes[channel * area + at] = pixels[at * channels + channel] as number;
  }
  return planes;
}
