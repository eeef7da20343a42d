import type { Box, ModelBundle, OcclusionSettings, Size } from '@umbra/shared';
import { channelStride, normalised } from '../image/preprocess.js';

/**
 * What a fill writes into each channel, in the numbers that the model sees.
 *
 * @returns Three values in the model's channel order.
 */
export function fillValues(
  fill: OcclusionSettings['fill'],
  input: ModelBundle['input'],
): readonly number[] {
  return [0, 1, 2].map((channel) =>
    fill.space === 'normalized' ? fill.value : normalised(fill.value * 255, channel, input),
  );
}

/** Overwrite a box of one image, in place. */
export function fillBox(
  image: Float32Array,
  { height, width }: Size,
  layout: ModelBundle['input']['layout'],
  box: Box,
  values: readonly number[],
): void {
  for (const [channel, value] of values.entries()) {
    const [start, step] = channelStride(layout, channel, height * width);
    for (let y = box.top; y < box.bottom; y++) {
      if (step === 1) {
        image.fill(value, start + y * width + box.left, start + y * width + box.right);
        continue;
      }
      for (let x = box.left; x < box.right; x++) image[start + (y * width + x) * step] = value;
    }
  }
}
