import { encodeFloats, npyHeader } from '../encoding/npy.js';
import type { Kernels } from './types.js';

/** Maximum count of weights that are read at once. */
const maxWeightsRead = 1024 * 1024;

/** Read all of a convolution's weights, a few kernels at a time. */
async function* readInPieces({
  kernels,
  depth,
  height,
  width,
  read,
}: Kernels): AsyncGenerator<Float32Array> {
  const count = Math.max(1, Math.floor(maxWeightsRead / (depth * height * width)));
  for (let start = 0; start < kernels; start += count) {
    yield await read(start, Math.min(start + count, kernels));
  }
}

/** The smallest and the largest weight of a convolution. */
export async function weightRange(
  kernels: Kernels,
): Promise<{ readonly low: number; readonly high: number }> {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for await (const weights of readInPieces(kernels)) {
    for (const weight of weights) {
      if (weight < low) low = weight;
      if (weight > high) high = weight;
    }
  }
  return { low, high };
}

/**
 * A convolution's weights as a NumPy file, float32 [kernels, depth, height, width], a few at a time.
 *
 * @returns Pieces of the file, in order.
 */
export async function* encodeKernels(kernels: Kernels): AsyncGenerator<Buffer> {
  const { depth, height, width } = kernels;
  yield npyHeader('<f4', [kernels.kernels, depth, height, width]);
  for await (const weights of readInPieces(kernels)) yield encodeFloats(weights);
}
