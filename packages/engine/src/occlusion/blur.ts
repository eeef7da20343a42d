import type { Size } from '@umbra/shared/occlusion/grid';
import { type PixelFormat, planesOf } from '../image/pixel-format.js';

/** Extent of the kernel in sigmas; a Gaussian's weight beyond it is below half a percent of its peak's. */
const reach = 3;

/**
 * Blur each channel of an image with a Gaussian; beyond its border an image goes on as its last pixel.
 *
 * @param tensor float32, one image in `format`.
 * @param sigma px.
 * @returns The same layout.
 */
export function blur(
  tensor: Float32Array,
  { height, width }: Size,
  format: PixelFormat,
  sigma: number,
): Float32Array {
  const weights = gaussian(sigma);
  const [planes, depth] = planesOf(format);
  const plane = height * width * depth;
  const result = new Float32Array(tensor.length);
  for (let start = 0; start < planes * plane; start += plane) {
    const image = tensor.subarray(start, start + plane);
    // Along rows, then along columns: a step of one pixel is `depth`, of one row `width * depth`.
    const wide = blurAxis(image, width, depth, weights);
    result.set(blurAxis(wide, height, width * depth, weights), start);
  }
  return result;
}

/**
 * Blur along one axis.
 *
 * @param extent Places along the axis.
 * @param step Elements from one place to the next; smaller axes are inside a step, larger ones outside.
 */
function blurAxis(
  image: Float32Array,
  extent: number,
  step: number,
  weights: Float64Array,
): Float32Array {
  const radius = (weights.length - 1) / 2;
  const result = new Float32Array(image.length);
  for (let at = 0; at < image.length; at++) {
    const place = Math.floor(at / step) % extent;
    const first = at - place * step;
    let sum = 0;
    for (let tap = -radius; tap <= radius; tap++) {
      const from = Math.min(extent - 1, Math.max(0, place + tap));
      // Hot: a tap is a weight, and `from` lies on the axis.
      sum += (weights[tap + radius] as number) * (image[first + from * step] as number);
    }
    result[at] = sum;
  }
  return result;
}

function gaussian(sigma: number): Float64Array {
  const radius = Math.ceil(reach * sigma);
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, at) =>
    Math.exp(-0.5 * ((at - radius) / sigma) ** 2),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
