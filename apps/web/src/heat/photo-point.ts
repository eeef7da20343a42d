import type { PhotoMapping } from '@umbra/shared/occlusion/photo-box';
import { type CellLayout, cellAt } from './cell-layout.js';

/** A place: px of the upright photo, or of the model's input. */
export type Point = { readonly y: number; readonly x: number };

/** Where a place of the model's input lies on the photo. */
export const toPhotoPoint = ({ y, x }: Point, mapping: PhotoMapping): Point => ({
  y: y * mapping.y.scale + mapping.y.offset,
  x: x * mapping.x.scale + mapping.x.offset,
});

/** Where a place of the photo lies on the model's input, or outside of it. */
export const toInputPoint = ({ y, x }: Point, mapping: PhotoMapping): Point => ({
  y: (y - mapping.y.offset) / mapping.y.scale,
  x: (x - mapping.x.offset) / mapping.x.scale,
});

/** The cell that covers a place of the photo; null where the model never saw it. */
export function cellUnder(
  point: Point,
  layout: CellLayout,
  mapping: PhotoMapping,
): { readonly row: number; readonly column: number } | null {
  const input = toInputPoint(point, mapping);
  const [y, x] = [steady(input.y), steady(input.x)];
  const [bottom = 0, right = 0] = [layout.yBorders.at(-1), layout.xBorders.at(-1)];
  if (y < 0 || x < 0 || y > bottom || x > right) return null;
  return { row: cellAt(layout.yBorders, y), column: cellAt(layout.xBorders, x) };
}

/** A border is one however it was reckoned: without what the way to the photo and back rounds. */
const steady = (px: number): number => Math.round(px * 1e6) / 1e6;
