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

/** A kernel is dead if none of its weights is larger than this share of the layer's largest. */
export const deadShare = 0.01;

/** What all weights of a convolution have in common. */
export type WeightSurvey = {
  /** The smallest and the largest weight. */
  readonly low: number;
  readonly high: number;
  /** The largest absolute weight. */
  readonly limit: number;
  /** Kernels that are dead, in order. */
  readonly dead: readonly number[];
};

/** Read all weights of a convolution once; those that are not finite do not count. */
export async function surveyWeights(kernels: Kernels): Promise<WeightSurvey> {
  const length = kernels.depth * kernels.height * kernels.width;
  const peaks = new Float32Array(kernels.kernels);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let at = 0;
  for await (const weights of readInPieces(kernels)) {
    for (const weight of weights) {
      const kernel = Math.floor(at / length);
      at += 1;
      if (!Number.isFinite(weight)) continue;
      if (weight < low) low = weight;
      if (weight > high) high = weight;
      const size = Math.abs(weight);
      if (size > (peaks[kernel] as number)) peaks[kernel] = size;
    }
  }
  const limit = peaks.reduce((most, peak) => Math.max(most, peak), 0);
  const dead = [...peaks.keys()].filter((kernel) => (peaks[kernel] as number) <= limit * deadShare);
  return limit === 0 ? { low: 0, high: 0, limit, dead } : { low, high, limit, dead };
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
