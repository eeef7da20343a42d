import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { invalidInput } from '@umbra/shared/errors';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import type { SeededRandom } from '@umbra/shared/random';
import { assertInside } from '../image/assert-inside.js';
import { planesOf } from '../image/pixel-format.js';
import type { ModelInput } from '../image/preprocess.js';
import { copyBox } from './copy.js';
import { fillImage } from './fill.js';

type InputDescription = Pick<ModelBundle, 'input'>;

/** A part of an input. */
export type InputPart = { readonly image: ModelInput; readonly box: Box };

/**
 * Cover a box of an input, as a run of `occlude` covers a patch.
 *
 * @param box px of the input.
 * @returns A new input.
 * @throws {AppError} `invalid_input` unless the box lies inside it.
 */
export function coverBox(
  image: ModelInput,
  box: Box,
  fill: OcclusionSettings['fill'],
  { input }: InputDescription,
): ModelInput {
  assertInside(box, image, 'the input');
  const tensor = image.tensor.slice();
  const { layout, channels } = input;
  copyBox(tensor, fillImage(image, fill, input), { ...image, layout, channels }, box);
  return { ...image, tensor };
}

/**
 * Put a part of one input into another; both may have other extents, and the part another place.
 *
 * @param box Where it goes, px of `image`: as large as the part.
 * @returns A new input.
 * @throws {AppError} `invalid_input` unless both boxes lie inside their inputs, and are of one extent.
 */
export function pasteBox(
  image: ModelInput,
  box: Box,
  source: InputPart,
  { input }: InputDescription,
): ModelInput {
  assertInside(box, image, 'the input');
  assertInside(source.box, source.image, 'the source');
  assertEqual(extentOf(box), extentOf(source.box));
  const tensor = image.tensor.slice();
  const [planes, depth] = planesOf(input);
  const startOf = ({ height, width }: Size, { top, left }: Box, plane: number, row: number) =>
    ((plane * height + top + row) * width + left) * depth;
  const length = (box.right - box.left) * depth;
  for (let plane = 0; plane < planes; plane++) {
    for (let row = 0; row < box.bottom - box.top; row++) {
      const from = startOf(source.image, source.box, plane, row);
      const pixels = source.image.tensor.subarray(from, from + length);
      tensor.set(pixels, startOf(image, box, plane, row));
    }
  }
  return { ...image, tensor };
}

/**
 * Draw a box of the same extent that does not overlap the given one, each place as likely.
 *
 * @param size Extent of the input, px.
 * @returns null where there is no room for one.
 */
export function boxElsewhere(size: Size, box: Box, random: SeededRandom): Box | null {
  const { height, width } = extentOf(box);
  const [rows, columns] = [size.height - height + 1, size.width - width + 1];
  // Corners [start, end) on each axis at which a box overlaps the given one.
  const y = { start: Math.max(0, box.top - height + 1), end: Math.min(rows, box.bottom) };
  const x = { start: Math.max(0, box.left - width + 1), end: Math.min(columns, box.right) };
  const blocked = x.end - x.start;
  const places = rows * columns - (y.end - y.start) * blocked;
  if (places === 0) return null;
  let place = random.below(places);
  for (let top = 0; ; top++) {
    const isBeside = top >= y.start && top < y.end;
    const free = isBeside ? columns - blocked : columns;
    if (place < free) {
      const left = isBeside && place >= x.start ? place + blocked : place;
      return { top, left, bottom: top + height, right: left + width };
    }
    place -= free;
  }
}

const extentOf = ({ top, left, bottom, right }: Box): Size => ({
  height: bottom - top,
  width: right - left,
});

function assertEqual(box: Size, source: Size): void {
  if (box.height === source.height && box.width === source.width) return;
  throw invalidInput(
    `Expected a part of ${box.height} x ${box.width} px (height x width), as large as its place, got ${source.height} x ${source.width} px`,
  );
}
