import { type Colour, divergingColour } from '@umbra/shared/colour-map';
import type { Size } from '@umbra/shared/occlusion/grid';
import { type Between, type CellLayout, cellAt, centresAround } from './cell-layout.js';
import { dropAt, type ScoreCells } from './cells.js';

export type PaintOptions = {
  /** End of the colour scale: the drop that has the strongest colour. */
  readonly limit: number;
  /** Whether drops are interpolated between the centres of patches. */
  readonly isSmooth: boolean;
  /** `over`: clear where little drops, to lie over the photo; `map`: opaque, to stand alone. */
  readonly layer: 'over' | 'map';
  /** Opacity of the strongest drop over the photo, in [0, 1]. */
  readonly opacity: number;
  /** Longer side of the painting, px: a larger image is painted smaller. */
  readonly maxSidePx?: number | undefined;
};

/** RGBA, 8 bits a channel, row-major. */
export type Painting = Size & { readonly pixels: Uint8ClampedArray<ArrayBuffer> };

const defaultSidePx = 448;
const hatchPx = 8;

/**
 * Paint drops in the engine's diverging colours, as its heatmaps and overlays are: red where the patch
 * lowers the score, blue where it raises it. Cells that are not known yet are hatched.
 */
export function paintHeat(
  cells: ScoreCells,
  layout: CellLayout,
  image: Size,
  options: PaintOptions,
): Painting {
  const { maxSidePx = defaultSidePx } = options;
  const scale = Math.min(1, maxSidePx / Math.max(image.height, image.width));
  const height = Math.max(1, Math.round(image.height * scale));
  const width = Math.max(1, Math.round(image.width * scale));
  const pixels = new Uint8ClampedArray(height * width * 4);
  const ys = Array.from({ length: height }, (_, y) => (y + 0.5) / scale);
  const xs = Array.from({ length: width }, (_, x) => (x + 0.5) / scale);
  const colourAt = options.isSmooth ? smoothColours(cells, options) : plainColours(cells, options);
  const rows = ys.map((y) => placeOf(layout.yBorders, layout.yCentres, y));
  const columns = xs.map((x) => placeOf(layout.xBorders, layout.xCentres, x));
  let at = 0;
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      const colour = colourAt(row, column) ?? ((x + y) % hatchPx < 2 ? hatched : unknown);
      pixels.set(colour, at);
      at += 4;
    }
  }
  return { height, width, pixels };
}

/** A pixel on one axis: its cell, and the centres around it. */
type PixelPlace = Between & { readonly cell: number };
/** undefined where nothing is known yet. */
type ColourAt = (row: PixelPlace, column: PixelPlace) => Rgba | undefined;

const placeOf = (
  borders: readonly number[],
  centres: readonly number[],
  place: number,
): PixelPlace => ({
  cell: cellAt(borders, place),
  ...centresAround(centres, place),
});

/** sRGB and alpha, 8 bits each. */
export type Rgba = readonly [...Colour, alpha: number];
const unknown: Rgba = [128, 128, 128, 56];
const hatched: Rgba = [128, 128, 128, 150];

/** @param value Drop as a share of the scale, in [-1, 1]. */
function colourOf(value: number, { layer, opacity }: PaintOptions): Rgba {
  if (layer === 'map') return [...divergingColour(value), 255];
  const strength = Math.abs(value);
  // Weak drops would be as pale as the photo: as in the engine's overlays, they are clear instead.
  const colour = divergingColour(Math.sign(value) * (0.5 + 0.5 * strength));
  return [...colour, Math.round(255 * opacity * strength)];
}

const shareOf = (drop: number, limit: number): number =>
  limit === 0 ? 0 : Math.min(1, Math.max(-1, drop / limit));

/** The colour of each cell by itself; undefined where nothing is known yet. */
export const cellColours = (
  cells: ScoreCells,
  options: PaintOptions,
): readonly (Rgba | undefined)[] =>
  Array.from(cells.scores.keys(), (index) => {
    const drop = dropAt(cells, index);
    return Number.isNaN(drop) ? undefined : colourOf(shareOf(drop, options.limit), options);
  });

function plainColours(cells: ScoreCells, options: PaintOptions): ColourAt {
  const colours = cellColours(cells, options);
  return (row, column) => colours[row.cell * cells.columns + column.cell];
}

/** Steps of the scale on each side of 0: finer than what 8 bits a channel tell apart. */
const steps = 512;

/** Interpolates between the four centres around; a cell that is not known stays so. */
function smoothColours(cells: ScoreCells, options: PaintOptions): ColourAt {
  const colours = Array.from({ length: 2 * steps + 1 }, (_, step) =>
    colourOf(step / steps - 1, options),
  );
  const drops = Float64Array.from(cells.scores.keys(), (index) => dropAt(cells, index));
  return (row, column) => {
    const own = drops[row.cell * cells.columns + column.cell] ?? Number.NaN;
    if (Number.isNaN(own)) return undefined;
    const known = (y: number, x: number) => {
      const drop = drops[y * cells.columns + x] ?? Number.NaN;
      return Number.isNaN(drop) ? own : drop;
    };
    const above = mix(known(row.before, column.before), known(row.before, column.after), column);
    const below = mix(known(row.after, column.before), known(row.after, column.after), column);
    const share = shareOf(mix(above, below, row), options.limit);
    return colours[Math.round((share + 1) * steps)];
  };
}

const mix = (from: number, to: number, { share }: Between): number => from + (to - from) * share;
