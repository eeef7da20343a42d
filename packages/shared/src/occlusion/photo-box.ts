import type { Box, Size } from './grid.js';

/** Where a px of one axis of the model's input lies on the photo: at `px * scale + offset`, px of the photo. */
type AxisMapping = { readonly scale: number; readonly offset: number };

/** Where the model's input lies on the upright photo that it was made of. */
export type PhotoMapping = { readonly y: AxisMapping; readonly x: AxisMapping };

/**
 * Map a box of the model's input to the photo.
 *
 * Edges are rounded to whole px, so that boxes which meet in the input meet on the photo.
 *
 * @param box px of the model's input.
 * @param photo Extent of the upright photo, px.
 * @returns px of the upright photo, inside it, at least one on each axis.
 */
export function photoBoxOf(box: Box, { y, x }: PhotoMapping, photo: Size): Box {
  const [top, bottom] = spanOf([box.top, box.bottom], y, photo.height);
  const [left, right] = spanOf([box.left, box.right], x, photo.width);
  return { top, left, bottom, right };
}

function spanOf(
  [start, end]: readonly [number, number],
  { scale, offset }: AxisMapping,
  extent: number,
): [number, number] {
  const [from, to] = [start * scale + offset, end * scale + offset];
  const [first, last] = [Math.round(from), Math.min(Math.round(to), extent)];
  if (first < last) return [first, last];
  // Where the photo was enlarged, a box may be smaller than one of its px: it is the px that it lies in.
  const inside = Math.min(Math.floor(from), extent - 1);
  return [inside, inside + 1];
}
