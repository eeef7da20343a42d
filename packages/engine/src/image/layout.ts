// Both loops are hot, one pass over every image of a batch: `as number` spares a check an element.

/**
 * Write an image with channels last, from one with a plane a channel.
 *
 * @param planes float32 [3, height, width]
 * @param target float32 [height, width, 3]
 */
export function interleave<T extends Float32Array>(planes: Float32Array, target: T): T {
  const area = planes.length / 3;
  for (let channel = 0; channel < 3; channel++) {
    for (let at = 0; at < area; at++)
      target[at * 3 + channel] = planes[channel * area + at] as number;
  }
  return target;
}

/** The inverse of `interleave`: a plane a channel. */
export function planar(pixels: Float32Array): Float32Array {
  const area = pixels.length / 3;
  const planes = new Float32Array(pixels.length);
  for (let channel = 0; channel < 3; channel++) {
    for (let at = 0; at < area; at++)
      planes[channel * area + at] = pixels[at * 3 + channel] as number;
  }
  return planes;
}
