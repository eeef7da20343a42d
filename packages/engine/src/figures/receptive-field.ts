import type { Layer } from '@umbra/shared/contracts/layer';
import { invalidInput } from '@umbra/shared/errors';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import { fieldOfUnit } from '../graph/receptive-field.js';
import { type AxisWindow, inputRange, outputExtent, type Range } from '../graph/window.js';
import { defaultLimits, openRgb, toRgb } from '../image/decode.js';
import type { Frame } from '../image/frame.js';
import {
  type Canvas,
  createCanvas,
  drawCells,
  encodeCanvas,
  fillBox,
  frameBox,
  label,
} from './canvas.js';
import type { Colour } from './colour-map.js';
import { regionOf } from './overlay.js';

const margin = 16;
const maxSidePx = 800;
const outline: Colour = [226, 44, 30];
const dimming = 0.4;

type Unit = { readonly row: number; readonly column: number };

/**
 * The part of the input that a unit sees, px; what would lie in the padding is cut off.
 *
 * @throws {AppError} `invalid_input` if it is not known.
 */
export function seenBox({ name, receptiveField: field }: Layer, unit: Unit, input: Size): Box {
  if (field.kind === 'unknown') {
    throw invalidInput(`Expected a layer whose receptive field is known; that of '${name}' is not`);
  }
  if (field.kind === 'whole') {
    return { top: 0, left: 0, bottom: input.height, right: input.width };
  }
  const inside = ({ start, end }: Range, extent: number) => ({
    start: Math.min(extent, Math.max(0, Math.floor(start))),
    end: Math.min(extent, Math.max(0, Math.ceil(end))),
  });
  const y = inside(fieldOfUnit(field.y, unit.row), input.height);
  const x = inside(fieldOfUnit(field.x, unit.column), input.width);
  return { top: y.start, left: x.start, bottom: y.end, right: x.end };
}

/** Draw the photo with what a unit sees outlined and the rest dimmed. @returns A PNG file. */
export async function renderReceptiveField(
  photo: Buffer,
  frame: Frame,
  layer: Layer,
  unit: Unit,
): Promise<Buffer> {
  const input = {
    height: frame.crop.bottom - frame.crop.top,
    width: frame.crop.right - frame.crop.left,
  };
  const box = seenBox(layer, unit, input);
  const drawn = await toRgb(
    openRgb(photo, defaultLimits).resize({
      width: maxSidePx,
      height: maxSidePx,
      fit: 'inside',
    }),
  );
  const heading = await label(describe(layer, unit, box), 14, drawn.width);
  const top = margin + heading.height + 8;
  const canvas = createCanvas({
    height: top + drawn.height + margin,
    width: drawn.width + 2 * margin,
  });
  heading.draw(canvas, { left: margin, top: margin });
  const seen = regionOf(frame, drawn, {
    top: frame.crop.top + box.top,
    left: frame.crop.left + box.left,
    bottom: frame.crop.top + box.bottom,
    right: frame.crop.left + box.right,
  });
  const within = (row: number, column: number) =>
    row >= seen.top &&
    row < seen.top + seen.height &&
    column >= seen.left &&
    column < seen.left + seen.width;
  drawCells(canvas, { left: margin, top }, drawn, 1, (row, column): Colour => {
    const at = (row * drawn.width + column) * 3;
    const share = within(row, column) ? 1 : dimming;
    const shade = (value = 0) => Math.round(value * share);
    return [shade(drawn.data[at]), shade(drawn.data[at + 1]), shade(drawn.data[at + 2])];
  });
  frameBox(canvas, { left: margin + seen.left, top: top + seen.top }, seen, 3, outline);
  return encodeCanvas(canvas);
}

function describe({ name, outputShape, receptiveField: field }: Layer, unit: Unit, box: Box) {
  const [, , rows, columns] = outputShape ?? [];
  const extent =
    field.kind === 'window'
      ? `${field.y.size} x ${field.x.size} px`
      : 'the whole input, since a layer before it is global';
  return `${name}: unit ${unit.row},${unit.column} of ${rows} x ${columns} sees ${extent}: rows ${box.top} to ${box.bottom}, columns ${box.left} to ${box.right} of the model's input`;
}

const cell = 34;
const [plain, seenColour, unitColour, rule]: readonly [Colour, Colour, Colour, Colour] = [
  [255, 255, 255],
  [250, 190, 170],
  [226, 44, 30],
  [150, 150, 150],
];

/**
 * Draw how a unit's receptive field grows, layer by layer: the map of each, with what the middle unit
 * of the last one sees.
 *
 * @param extent Rows and columns of the input.
 * @param windows One a layer, the same along both axes.
 * @returns A PNG file.
 */
export async function renderFieldGrowth(
  extent: number,
  windows: readonly AxisWindow[],
): Promise<Buffer> {
  const extents = [extent];
  for (const window of windows) extents.push(outputExtent(window, extents.at(-1) ?? 0));
  const middle = Math.floor(((extents.at(-1) ?? 1) - 1) / 2);
  const seen: Range[] = [{ start: middle, end: middle + 1 }];
  for (const window of [...windows].reverse()) seen.unshift(inputRange(window, seen[0] as Range));
  const titles = await Promise.all(
    extents.map((side, at) => label(titleOf(at, side, seen[at] as Range, windows), 13)),
  );
  const widths = extents.map((side, at) => Math.max(side * cell, titles[at]?.width ?? 0));
  const canvas = createCanvas({
    height: margin + 24 + extent * cell + 1 + margin,
    width: widths.reduce((sum, width) => sum + width + 2 * margin, 0),
  });
  let left = margin;
  for (const [at, side] of extents.entries()) {
    titles[at]?.draw(canvas, { left, top: margin });
    const last = at === windows.length;
    drawGrid(canvas, left, margin + 24, side, seen[at] as Range, last ? unitColour : seenColour);
    left += (widths[at] ?? 0) + 2 * margin;
  }
  return encodeCanvas(canvas);
}

function titleOf(at: number, side: number, { start, end }: Range, windows: readonly AxisWindow[]) {
  const extent = `${end - start} x ${end - start} of ${side} x ${side}`;
  if (at === 0) return `input: ${extent} seen`;
  const { kernel = 0 } = windows[at - 1] ?? {};
  return `after ${kernel} x ${kernel}: ${extent}`;
}

function drawGrid(
  canvas: Canvas,
  left: number,
  top: number,
  side: number,
  seen: Range,
  colour: Colour,
): void {
  fillBox(canvas, { left, top }, { height: side * cell + 1, width: side * cell + 1 }, rule);
  const inside = (at: number) => at >= seen.start && at < seen.end;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const place = { left: left + column * cell + 1, top: top + row * cell + 1 };
      const fill = inside(row) && inside(column) ? colour : plain;
      fillBox(canvas, place, { height: cell - 1, width: cell - 1 }, fill);
    }
  }
}
