import { invalidInput } from '@umbra/shared/errors';
import type { Box, Size } from '@umbra/shared/occlusion/grid';

/**
 * Check that a box has whole px, at least one, all inside an image.
 *
 * @param image What it has to lie in, for the message.
 * @throws {AppError} `invalid_input`
 */
export function assertInside(
  { top, left, bottom, right }: Box,
  { height, width }: Size,
  image: string,
): void {
  const isWhole = [top, left, bottom, right].every(Number.isInteger);
  const isInside = top >= 0 && left >= 0 && bottom <= height && right <= width;
  if (isWhole && isInside && top < bottom && left < right) return;
  throw invalidInput(
    `Expected a box of whole px inside ${image}, ${height} x ${width} px (height x width), got rows [${top}, ${bottom}) and columns [${left}, ${right})`,
  );
}
