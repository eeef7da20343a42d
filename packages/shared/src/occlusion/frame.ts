import type { ModelBundle } from '../contracts/model.js';
import { invalidInput } from '../errors.js';
import type { Box, Size } from './grid.js';
import type { PhotoMapping } from './photo-box.js';

export type FrameRule = Pick<ModelBundle['input'], 'resize' | 'height' | 'width'>;

/**
 * How a photo becomes the model's input frame: resized to `resized`, then cut to `crop` (px of the
 * resized photo). The same numbers lead from an input pixel back to the photo.
 */
export type Frame = { readonly photo: Size; readonly resized: Size; readonly crop: Box };

/**
 * Apply a bundle's resize rule to a photo's extent.
 *
 * `crop` and `fit` bring the shorter side to `shorterSide`, the longer one rounded down as torchvision
 * does.
 *
 * @throws {AppError} `invalid_input` if the resized photo is too small to cut the input out of it.
 */
export function planFrame(input: FrameRule, photo: Size): Frame {
  if (input.resize.rule === 'squash') {
    const resized = { height: input.height, width: input.width };
    return { photo, resized, crop: wholeOf(resized) };
  }
  const resized = shorterSideTo(photo, input.resize.shorterSide);
  if (input.resize.rule === 'fit') return { photo, resized, crop: wholeOf(resized) };
  if (resized.height < input.height || resized.width < input.width) {
    throw invalidInput(
      `Expected resize.shorterSide of the model to leave at least its input, ${input.height} x ${input.width} px (height x width), got a photo of ${resized.height} x ${resized.width} px`,
    );
  }
  const top = Math.round((resized.height - input.height) / 2);
  const left = Math.round((resized.width - input.width) / 2);
  return {
    photo,
    resized,
    crop: { top, left, bottom: top + input.height, right: left + input.width },
  };
}

/** Describe where the input lies on its photo: the inverse of the crop and of the resize. */
export function photoMapping({ photo, resized, crop }: Frame): PhotoMapping {
  const y = photo.height / resized.height;
  const x = photo.width / resized.width;
  return { y: { scale: y, offset: crop.top * y }, x: { scale: x, offset: crop.left * x } };
}

/** The extent of the model's input for a photo, px. */
export function inputSize(input: FrameRule, photo: Size): Size {
  const { crop } = planFrame(input, photo);
  return { height: crop.bottom - crop.top, width: crop.right - crop.left };
}

function shorterSideTo({ height, width }: Size, side: number): Size {
  return width <= height
    ? { width: side, height: Math.max(side, Math.floor((side * height) / width)) }
    : { height: side, width: Math.max(side, Math.floor((side * width) / height)) };
}

const wholeOf = ({ height, width }: Size): Box => ({
  top: 0,
  left: 0,
  bottom: height,
  right: width,
});
