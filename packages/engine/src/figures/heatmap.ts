import { at } from '@umbra/shared/assert';
import { type Colour, divergingColour } from '@umbra/shared/colour-map';
import type { Size } from '@umbra/shared/occlusion/grid';
import { type Canvas, drawCells, type PixelOffset, surroundBox } from './canvas.js';
import type { ColourScale } from './colour-bar.js';
import { renderFigure } from './figure.js';
import { symmetricTicks } from './ticks.js';

/** Longer side of the map, px. */
const mapPx = 448;

/** End of the symmetric colour scale: the largest absolute value that is known, 0 for a flat map. */
export function scaleLimit(attribution: Float32Array): number {
  let limit = 0;
  for (const value of attribution) {
    const size = Math.abs(value);
    if (size > limit) limit = size;
  }
  return limit;
}

export type HeatmapText = {
  readonly title: string;
  /** Unit of the values and meaning of their sign, for the caption. */
  readonly unit: string;
};

/** Words of what no patch reached. */
export const unknownWords = 'not covered';

/** Whether a map has places of which nothing is known. */
export const hasUnknown = (attribution: Float32Array): boolean =>
  attribution.some((value) => Number.isNaN(value));

/** The scale of a map's colours. @param colourAt Colour of a share of the limit, -1 to 1. */
export const mapScale = (
  attribution: Float32Array,
  colourAt: (share: number) => Colour = divergingColour,
): ColourScale => ({
  colourAt: (level) => colourAt(2 * level - 1),
  ticks: symmetricTicks(scaleLimit(attribution)),
  unknown: hasUnknown(attribution) ? unknownWords : undefined,
});

/**
 * Draw an attribution map with a title, a colour bar and a caption.
 *
 * @param attribution float32 [height, width] in the model's input frame; NaN, drawn striped, where
 *   nothing is known.
 * @returns A PNG file.
 */
export function renderHeatmap(
  attribution: Float32Array,
  size: Size,
  { title, unit }: HeatmapText,
): Promise<Buffer> {
  const factor = mapPx / Math.max(size.height, size.width);
  const body = {
    height: Math.max(1, Math.round(size.height * factor)),
    width: Math.max(1, Math.round(size.width * factor)),
  };
  return renderFigure({
    title,
    body,
    draw: (canvas, corner) => drawMap(canvas, { ...corner, ...body }, { ...size, attribution }),
    scale: mapScale(attribution),
    caption: unit,
  });
}

/** Draw a map, each number as the rectangle that falls to it. */
function drawMap(
  canvas: Canvas,
  place: PixelOffset & Size,
  { attribution, height, width }: Size & { readonly attribution: Float32Array },
): void {
  const limit = scaleLimit(attribution);
  const colourOf = lastColour((value) => divergingColour(limit === 0 ? 0 : value / limit));
  const source = (at: number, drawn: number, all: number) => Math.floor(((at + 0.5) * all) / drawn);
  drawCells(canvas, { ...place, cell: 1 }, (y, x) => {
    const [row, column] = [source(y, place.height, height), source(x, place.width, width)];
    return colourOf(at(attribution, row * width + column));
  });
  surroundBox(canvas, place);
}

/** Colour values, NaN excepted; maps of patches hold long runs of one value. */
function lastColour(colourOf: (value: number) => Colour): (value: number) => Colour | null {
  let last = 0;
  let colour = colourOf(0);
  return (value) => {
    if (Number.isNaN(value)) return null;
    if (value !== last) [last, colour] = [value, colourOf(value)];
    return colour;
  };
}
