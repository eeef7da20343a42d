import { at } from '@umbra/shared/assert';
import { channelCount } from '@umbra/shared/contracts/model';
import type { Size } from '@umbra/shared/occlusion/grid';
import { channelStride, colourOf } from './pixel-format.js';
import type { InputContract } from './preprocess.js';

/**
 * Undo the normalisation: the colours that the model is given.
 *
 * @param tensor float32, one image in the bundle's layout.
 * @returns RGB, 8 bits a channel, [height, width, 3]; clamped, since fills may lie outside. Grey has
 *   one level in all three.
 */
export function denormalise(
  tensor: Float32Array,
  { height, width }: Size,
  input: InputContract,
): Buffer {
  const pixels = Buffer.alloc(3 * height * width);
  const isGrey = channelCount(input) === 1;
  for (let channel = 0; channel < channelCount(input); channel++) {
    const colour = colourOf(input, channel);
    const [start, step] = channelStride(input, channel, height * width);
    const [mean, std] = [at(input.mean, channel), at(input.std, channel)];
    for (let pixel = 0; pixel < height * width; pixel++) {
      const value = (at(tensor, start + pixel * step) * std + mean) / input.scale;
      const level = Math.round(Math.min(255, Math.max(0, value)));
      if (isGrey) pixels.fill(level, pixel * 3, pixel * 3 + 3);
      else pixels[pixel * 3 + colour] = level;
    }
  }
  return pixels;
}
