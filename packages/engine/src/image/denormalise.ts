import { at } from '@umbra/shared/assert';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { InputContract } from './preprocess.js';
import { channelStride } from './stride.js';

/**
 * Undo the normalisation: the colours that the model is given.
 *
 * @param tensor float32, one image in the bundle's layout.
 * @returns RGB, 8 bits a channel, [height, width, 3]; clamped, since fills may lie outside.
 */
export function denormalise(
  tensor: Float32Array,
  { height, width }: Size,
  input: InputContract,
): Buffer {
  const pixels = Buffer.alloc(3 * height * width);
  for (let channel = 0; channel < 3; channel++) {
    const colour = input.channels === 'RGB' ? channel : 2 - channel;
    const [start, step] = channelStride(input.layout, channel, height * width);
    const [mean, std] = [at(input.mean, channel), at(input.std, channel)];
    for (let pixel = 0; pixel < height * width; pixel++) {
      const value = (at(tensor, start + pixel * step) * std + mean) / input.scale;
      pixels[pixel * 3 + colour] = Math.round(Math.min(255, Math.max(0, value)));
    }
  }
  return pixels;
}
