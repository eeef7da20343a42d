import { at } from '@umbra/shared/assert';
import { channelCount, type ModelBundle } from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { channelStride, colourOf, imageLength } from '../image/pixel-format.js';
import { type ModelInput, normalise, normalised } from '../image/preprocess.js';
import { blur } from './blur.js';

type Fill = OcclusionSettings['fill'];
type InputFormat = ModelBundle['input'];

/** Mean of ImageNet's pixels in [0, 1]: red, green, blue; and of the same in grey. */
const imageNetMean = [0.485, 0.456, 0.406] as const;
const imageNetGreyMean = 0.299 * 0.485 + 0.587 * 0.456 + 0.114 * 0.406;

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
      return blur(image.tensor, image, input, fill.sigma);
    case 'noise':
      return normalise({ ...image, data: noise(imageLength(input, image), fill.seed) }, input);
  }
}

/** One colour everywhere. @param value By index in the model's own channel order. */
function paint(
  { height, width }: ModelInput,
  input: InputFormat,
  value: (channel: number) => number,
): Float32Array {
  const painted = new Float32Array(imageLength(input, { height, width }));
  for (let channel = 0; channel < channelCount(input); channel++) {
    const [start, step] = channelStride(input, channel, height * width);
    const colour = value(channel);
    for (let pixel = 0; pixel < height * width; pixel++) painted[start + pixel * step] = colour;
  }
  return painted;
}

function channelMean({ tensor, height, width }: ModelInput, channel: number, input: InputFormat) {
  const [start, step] = channelStride(input, channel, height * width);
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
  const mean =
    input.channels === 'L' ? imageNetGreyMean : at(imageNetMean, colourOf(input, channel));
  return normalised(mean * 255, channel, input);
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
