import { at } from '@umbra/shared/assert';
import type { Colour } from '@umbra/shared/colour-map';
import type { Tiling } from '@umbra/shared/contracts/layer';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import {
  crossBox,
  drawCells,
  maxCanvasPx,
  type PixelOffset,
  setText,
  surroundBox,
} from './canvas.js';
import { type FigureParts, figureExtent, renderFigure } from './figure.js';

/** One picture of a tiled figure: its numbers, a frame around them, and a title above. */
export type Tile = Size & {
  readonly title: string;
  /** Colour of a number; null where it is not known. */
  colourAt(row: number, column: number): Colour | null;
  /** Whether the tile is crossed out, as one that shows nothing. */
  readonly isCrossed: boolean;
};

/** One page of a figure. */
export type FigurePage = { readonly png: Buffer; readonly page: number; readonly pages: number };

/** Tiles in a row, as in the founding article. */
export const tilesPerRow = 12;
export const tilesPerPage = 16 * tilesPerRow;

/** Measures of a page of tiles, px. */
export const tileGeometry = { gap: 8, title: 16, frame: 1 } as const;
const tilePx = 11;
/** Advance of a digit at `tilePx`. */
export const digitPx = 7;

/**
 * Bring numbers to the middle of the grey scale: `clip((w - mean) / std + 0.5, 0, 1)` with the
 * population's standard deviation. Where all are equal, or any is not finite: 0.5.
 */
export function normaliseTile(values: Float32Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const deviation = Math.sqrt(variance);
  const flat = values.every((value) => value === values[0]) || !Number.isFinite(deviation);
  if (flat || deviation === 0) return new Float32Array(values.length).fill(0.5);
  return values.map((value) => Math.min(1, Math.max(0, (value - mean) / deviation + 0.5)));
}

/**
 * Choose the tiles of one page, `[start, end)`.
 *
 * @param tiles Count of all tiles.
 * @throws {AppError} `invalid_input` if there is no such page.
 */
export function pageOf(tiles: number, { page }: Pick<Tiling, 'page'>, perPage = tilesPerPage) {
  const pages = Math.max(1, Math.ceil(tiles / perPage));
  if (page > pages) throw invalidInput(`Expected page to be from 1 to ${pages}, got ${page}`);
  const start = (page - 1) * perPage;
  return { page, pages, start, end: Math.min(start + perPage, tiles) };
}

/** Words that tell one page of several, for a title. */
export const describePage = ({ page, pages }: { readonly page: number; readonly pages: number }) =>
  pages === 1 ? '' : `, page ${page} of ${pages}`;

/** The side of a cell at which a tile is easily seen, px. */
export const suitableCell = ({ height, width }: Size, wanted = 36): number =>
  Math.min(64, Math.max(1, Math.round(wanted / Math.max(height, width))));

/** Lay out the tiles of a page, at least one; all are of one size. */
export function layTiles(tiles: readonly (Size & Pick<Tile, 'title'>)[], cell: number) {
  const { height, width } = at(tiles, 0);
  const { gap, title, frame } = tileGeometry;
  const columns = Math.min(tilesPerRow, tiles.length);
  const rows = Math.ceil(tiles.length / tilesPerRow);
  const longest = Math.max(0, ...tiles.map((tile) => tile.title.length));
  const pitch = {
    x: Math.max(width * cell + 2 * frame, longest * digitPx) + gap,
    y: title + height * cell + 2 * frame + gap,
  };
  return {
    body: { height: rows * pitch.y - gap, width: columns * pitch.x - gap },
    /** Upper left corner of a tile's numbers, from that of the body. */
    placeOf: (index: number): PixelOffset => ({
      left: (index % tilesPerRow) * pitch.x + frame,
      top: Math.floor(index / tilesPerRow) * pitch.y + title + frame,
    }),
  };
}

/**
 * Draw tiles in rows of twelve, each below its title.
 *
 * @throws {AppError} `invalid_input` if the picture would be too large, with the cells that fit.
 */
export function renderTiles(
  words: Pick<FigureParts, 'title' | 'caption' | 'scale'>,
  tiles: readonly Tile[],
  cell: number,
): Promise<Buffer> {
  const { body, placeOf } = layTiles(tiles, cell);
  assertCell(cell, (side) => figureExtent(layTiles(tiles, side).body, words.scale !== undefined));
  return renderFigure({
    ...words,
    body,
    async draw(canvas, { left, top }) {
      for (const [index, tile] of tiles.entries()) {
        const place = placeOf(index);
        const corner = { left: left + place.left, top: top + place.top };
        const title = await setText(tile.title, tilePx);
        title.draw(canvas, { ...corner, top: corner.top - tileGeometry.title + 3 });
        const { height, width } = tile;
        drawCells(canvas, { ...corner, height, width, cell }, tile.colourAt);
        const box = { ...corner, height: height * cell, width: width * cell };
        surroundBox(canvas, box);
        if (tile.isCrossed) crossBox(canvas, box);
      }
    },
  });
}

/** Convert a value in [0, 1] to 8 bits. */
export const level = (value: number): number => Math.round(value * 255);
/** The grey of a value in [0, 1]. */
export const grey = (value: number): Colour => [level(value), level(value), level(value)];

/** Refuse a cell that makes too large a picture. @throws {AppError} `invalid_input` with the largest that fits. */
export function assertCell(cell: number, sizeAt: (cell: number) => Size): void {
  const fits = (side: number) => {
    const { height, width } = sizeAt(side);
    return height * width <= maxCanvasPx;
  };
  if (fits(cell)) return;
  let max = cell;
  while (max > 1 && !fits(max)) max--;
  throw invalidInput(
    `Expected cell to be from 1 to ${max} px for this figure, got ${cell}: larger ones make a picture of more than ${maxCanvasPx / 1e6} megapixels`,
  );
}
