import { at } from '@umbra/shared/assert';
import { channelCount, type ModelBundle } from '@umbra/shared/contracts/model';
import { type Frame, inputSize, planFrame } from '@umbra/shared/occlusion/frame';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { ResizeOptions } from 'sharp';
import { defaultLimits, type ImageLimits, type Pixels, toGrey } from './decode.js';
import { decodePixels, readSize } from './decoding.js';
import { assertInputSize } from './input-limits.js';
import { channelStride, colourOf, imageLength } from './pixel-format.js';

/** A photo as the model sees it. */
export type ModelInput = Size & {
  /** float32, one image in the bundle's layout, normalised. */
  readonly tensor: Float32Array;
  readonly frame: Frame;
};

/** A bundle's description of the input that its model takes. */
export type InputContract = ModelBundle['input'];

/**
 * Turn a photo's file into the model's input.
 *
 * @throws {AppError} `invalid_input` if the photo cannot be decoded, or becomes too large an input.
 */
export async function prepareImage(
  bytes: Buffer,
  input: InputContract,
  limits: ImageLimits = defaultLimits,
): Promise<ModelInput> {
  const photo = await readSize(bytes, limits);
  assertInputSize(inputSize(input, photo), limits.maxInputPixels);
  const frame = planFrame(input, photo);
  const { left, top, right, bottom } = frame.crop;
  const rgb = await decodePixels(bytes, limits, {
    resize: scaleTo(frame.resized, input),
    extract: { left, top, width: right - left, height: bottom - top },
  });
  return { tensor: normalisePhoto(rgb, input), height: rgb.height, width: rgb.width, frame };
}

/** How a model's photos are brought to an extent. */
export const scaleTo = (
  { height, width }: Size,
  { interpolation }: InputContract,
): ResizeOptions => ({
  height,
  width,
  fit: 'fill',
  kernel: interpolation === 'bicubic' ? 'cubic' : 'linear',
  // Shrinking while a JPEG is decoded is faster but blurs: every format gives the same pixels.
  fastShrinkOnLoad: false,
});

/** Normalise RGB, made grey where the model takes grey. */
export const normalisePhoto = (rgb: Pixels, input: InputContract): Float32Array =>
  normalise(input.channels === 'L' ? toGrey(rgb) : rgb, input);

/**
 * Normalise pixels, `(p * scale - mean) / std` by channel, in the model's channel order and layout.
 *
 * @param pixels RGB; grey where the model takes grey.
 */
export function normalise({ data, height, width }: Pixels, input: InputContract): Float32Array {
  const pixels = height * width;
  const tensor = new Float32Array(imageLength(input, { height, width }));
  const channels = channelCount(input);
  for (let channel = 0; channel < channels; channel++) {
    const source = colourOf(input, channel);
    const [start, step] = channelStride(input, channel, pixels);
    for (let pixel = 0; pixel < pixels; pixel++) {
      // A hot loop: `as number` spares a check an element.
      const value = data[pixel * channels + source] as number;
      tensor[start + pixel * step] = normalised(value, channel, input);
    }
  }
  return tensor;
}

/**
 * Normalise one value of one channel.
 *
 * @param value 8 bits, in [0, 255].
 * @param channel Index in the model's own channel order.
 */
export function normalised(value: number, channel: number, input: InputContract): number {
  return (value * input.scale - at(input.mean, channel)) / at(input.std, channel);
}
