import { at } from '@umbra/shared/assert';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { type ModelInput, normalise, normalised } from '../image/preprocess.js';
import { channelStride } from '../image/stride.js';
import { blur } from './blur.js';

type Fill = OcclusionSettings['fill'];
type InputFormat = ModelBundle['input'];

/** Mean of ImageNet's pixels in [0, 1]: red, green, blue. */
const imageNetMean = [0.485, 0.456, 0.406] as const;

/**
 * Fill the whole image, in the numbers that the model sees.
 *
 * @returns float32, one image in the bundle's layout.
 */
export function fillImage(image: ModelInput, fill: Fill, input: InputFormat): Float32Array {
  switch (fill.kind) {
    case 'constant':
      return paint(image, input, (channel) =>
        fill.space === 'normalized' ? fill.value : normalised(fill.value * 255, channel, input),
      );
    case 'mean':
      return paint(image, input, (channel) => channelMean(image, channel, input));
    case 'dataset-mean':
      return paint(image, input, (channel) => datasetMean(channel, input));
    case 'blur':
      return blur(image.tensor, image, input.layout, fill.sigma);
    case 'noise':
      return normalise({ ...image, data: noise(3 * image.height * image.width, fill.seed) }, input);
  }
}

/** One colour everywhere. @param value By index in the model's own channel order. */
function paint(
  { height, width }: ModelInput,
  { layout }: InputFormat,
  value: (channel: number) => number,
): Float32Array {
  const painted = new Float32Array(3 * height * width);
  for (let channel = 0; channel < 3; channel++) {
    const [start, step] = channelStride(layout, channel, height * width);
    const colour = value(channel);
    for (let pixel = 0; pixel < height * width; pixel++) painted[start + pixel * step] = colour;
  }
  return painted;
}

function channelMean(
  { tensor, height, width }: ModelInput,
  channel: number,
  { layout }: InputFormat,
) {
  const [start, step] = channelStride(layout, channel, height * width);
  let sum = 0;
  for (let pixel = 0; pixel < height * width; pixel++) {
    // Hot: the tensor has a number for each pixel and channel.
    sum += tensor[start + pixel * step] as number;
  }
  return sum / (height * width);
}

/** A bundle that takes no mean off does not know its dataset's: ImageNet's stands in. */
function datasetMean(channel: number, input: InputFormat): number {
  if (input.mean.some((mean) => mean !== 0)) return 0;
  const source = input.channels === 'RGB' ? channel : 2 - channel;
  return normalised(at(imageNetMean, source) * 255, channel, input);
}

/** Uniform bytes that depend on the seed and their place only. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let byte = 0; byte < length; byte++) bytes[byte] = mix(byte ^ mix(seed + 1)) >>> 24;
  return bytes;
}

/** The 32-bit finaliser of MurmurHash3: each bit of the input changes half of the output's. */
function mix(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
