import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';

/** Pixels of a model's input, unless an operator says otherwise: 2048 x 2048. */
export const defaultMaxInputPixels = 4_194_304;

/**
 * Hold a model's input to a limit before anything is made of it: under rule `fit` a narrow photo of
 * some kilobytes asks for gibibytes.
 *
 * @throws {AppError} `invalid_input`
 */
export function assertInputSize(
  { height, width }: Size,
  maxInputPixels = defaultMaxInputPixels,
): void {
  if (height * width <= maxInputPixels) return;
  throw invalidInput(
    `Expected an input of the model of at most ${maxInputPixels} px (UMBRA_MAX_INPUT_PIXELS), got ${height} x ${width} px (height x width), as the model's resize rule makes of the photo`,
  );
}
