import type { Box, Size } from './grid.js';

/** A part of an input, as shares of its height and width. */
export type Region = Box;

/** Place a region on an input: whole px, at least one on each axis. */
export function placeRegion({ top, left, bottom, right }: Region, { height, width }: Size): Box {
  const [y, x] = [span(top, bottom, height), span(left, right, width)];
  return { top: y.start, bottom: y.end, left: x.start, right: x.end };
}

/** Grow a box by a margin on each side, px, as far as the input reaches. */
export function growBox(
  { top, left, bottom, right }: Box,
  margin: { readonly y: number; readonly x: number },
  { height, width }: Size,
): Box {
  return {
    ...{ top: Math.max(0, top - margin.y), bottom: Math.min(height, bottom + margin.y) },
    ...{ left: Math.max(0, left - margin.x), right: Math.min(width, right + margin.x) },
  };
}

/** Whether a box of the same extent, px, has a place in the input beside a box. */
export function hasRoomBeside({ top, left, bottom, right }: Box, { height, width }: Size): boolean {
  const above = Math.max(top, height - bottom);
  const aside = Math.max(left, width - right);
  return above >= bottom - top || aside >= right - left;
}

function span(from: number, to: number, extent: number): { start: number; end: number } {
  const start = Math.min(Math.round(from * extent), extent - 1);
  return { start, end: Math.max(Math.round(to * extent), start + 1) };
}
