import type { Box, ModelBundle, Size } from '@umbra/shared';

type Input = Pick<ModelBundle['input'], 'resize' | 'height' | 'width'>;

/**
 * How a photo becomes the model's input frame: resized to `resized`, then cut to `crop` (px of the
 * resized photo). The same numbers lead from an input pixel back to the photo.
 */
export type Frame = { readonly photo: Size; readonly resized: Size; readonly crop: Box };

/**
 * Apply a bundle's resize rule to a photo's extent.
 *
 * `crop` and `fit` bring the shorter side to `shorterSide`, the longer one rounded down as torchvision
 * does; a crop beyond the resized photo is refused by the contract's own sizes.
 */
export function planFrame(input: Input, photo: Size): Frame {
  if (input.resize.rule === 'squash') {
    const resized = { height: input.height, width: input.width };
    return { photo, resized, crop: wholeOf(resized) };
  }
  const resized = shorterSideTo(photo, input.resize.shorterSide);
  if (input.resize.rule === 'fit') return { photo, resized, crop: wholeOf(resized) };
  const top = Math.max(0, Math.round((resized.height - input.height) / 2));
  const left = Math.max(0, Math.round((resized.width - input.width) / 2));
  return {
    photo,
    resized,
    crop: { top, left, bottom: top + input.height, right: left + input.width },
  };
}

/** The extent of the model's input for a photo, px. */
export function inputSize(input: Input, photo: Size): Size {
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
