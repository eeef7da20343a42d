import { at } from '@umbra/shared/assert';
import type { Colour } from '@umbra/shared/colour-map';
import { type AxisWindow, inputRange, outputExtent, type Range } from '../graph/window.js';
import {
  type Canvas,
  createCanvas,
  encodeCanvas,
  fillBox,
  type PixelOffset,
  setText,
} from './canvas.js';

const margin = 16;
const titleHeight = 24;
const cell = 34;
const unseenColour: Colour = [255, 255, 255];
const seenColour: Colour = [250, 190, 170];
const unitColour: Colour = [226, 44, 30];
const lineColour: Colour = [150, 150, 150];

/** One map of a chain: its side, and the units of it that the last map's middle unit sees. */
type SeenMap = { readonly side: number; readonly seen: Range; readonly title: string };

/**
 * Draw how a unit's receptive field grows, layer by layer: the map of each, with what the middle unit
 * of the last one sees.
 *
 * @param extent Rows and columns of the input.
 * @param windows Window of each layer, the same along both axes.
 * @returns A PNG file.
 */
export async function renderFieldGrowth(
  extent: number,
  windows: readonly AxisWindow[],
): Promise<Buffer> {
  const maps = await Promise.all(
    seenMaps(extent, windows).map(async (map) => {
      const title = await setText(map.title, 13);
      return { ...map, title, width: Math.max(map.side * cell, title.width) };
    }),
  );
  const canvas = createCanvas({
    height: margin + titleHeight + extent * cell + 1 + margin,
    width: maps.reduce((sum, { width }) => sum + width + 2 * margin, 0),
  });
  let left = margin;
  for (const [index, { title, side, seen, width }] of maps.entries()) {
    title.draw(canvas, { left, top: margin });
    const colour = index === windows.length ? unitColour : seenColour;
    drawMap(canvas, { left, top: margin + titleHeight }, { side, seen, colour });
    left += width + 2 * margin;
  }
  return encodeCanvas(canvas);
}

function seenMaps(extent: number, windows: readonly AxisWindow[]): SeenMap[] {
  const sides = [extent];
  let last = extent;
  for (const window of windows) {
    last = outputExtent(window, last);
    sides.push(last);
  }
  const middle = Math.floor((last - 1) / 2);
  let first = { start: middle, end: middle + 1 };
  const seen = [first];
  for (const window of [...windows].reverse()) {
    first = inputRange(window, first);
    seen.unshift(first);
  }
  return sides.map((side, index) => {
    const range = at(seen, index);
    const count = range.end - range.start;
    const extents = `${count} x ${count} of ${side} x ${side}`;
    const kernel = windows[index - 1]?.kernel;
    const title =
      kernel === undefined ? `input: ${extents} seen` : `after ${kernel} x ${kernel}: ${extents}`;
    return { side, seen: range, title };
  });
}

function drawMap(
  canvas: Canvas,
  { left, top }: PixelOffset,
  { side, seen, colour }: Pick<SeenMap, 'side' | 'seen'> & { readonly colour: Colour },
): void {
  fillBox(canvas, { left, top, height: side * cell + 1, width: side * cell + 1 }, lineColour);
  const isSeen = (index: number) => index >= seen.start && index < seen.end;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const corner = { left: left + column * cell + 1, top: top + row * cell + 1 };
      const fill = isSeen(row) && isSeen(column) ? colour : unseenColour;
      fillBox(canvas, { ...corner, height: cell - 1, width: cell - 1 }, fill);
    }
  }
}
