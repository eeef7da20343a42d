import { at } from '@umbra/shared/assert';
import type { Tiling } from '@umbra/shared/contracts/layer';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import {
  type Canvas,
  createCanvas,
  drawCells,
  encodeCanvas,
  maxCanvasPx,
  type PixelOffset,
  setText,
} from './canvas.js';
import type { Colour } from './colour-map.js';

/** One picture of a tiled figure. */
export type Tile = Size & {
  readonly title: string;
  /** Values in [0, 1]: [height, width] grey, or [3, height, width] red, green, blue. */
  readonly values: Float32Array;
};

/** One page of a figure. */
export type FigurePage = { readonly png: Buffer; readonly page: number; readonly pages: number };

/** Tiles in a row, as in the founding article. */
export const tilesPerRow = 12;
export const tilesPerPage = 16 * tilesPerRow;

/** Measures of a page of tiles, px. */
export const tileGeometry = { margin: 16, gap: 8, title: 16, heading: 14 } as const;
const tilePx = 11;
/** Advance of a digit at `tilePx`. */
const digitPx = 7;

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

/** The side of a cell at which a tile is easily seen, px. */
export const suitableCell = ({ height, width }: Size, wanted = 36): number =>
  Math.min(64, Math.max(1, Math.round(wanted / Math.max(height, width))));

/** Lay out the tiles of a page, at least one; all are of one size. */
export function layTiles(tiles: readonly Tile[], cell: number, headingHeight: number) {
  const { height, width } = at(tiles, 0);
  const { margin, gap, title } = tileGeometry;
  const columns = Math.min(tilesPerRow, tiles.length);
  const rows = Math.ceil(tiles.length / tilesPerRow);
  const longest = Math.max(0, ...tiles.map((tile) => tile.title.length));
  const pitch = {
    x: Math.max(width * cell, longest * digitPx) + gap,
    y: title + height * cell + gap,
  };
  const top = margin + headingHeight + gap;
  return {
    canvas: {
      height: top + rows * pitch.y + margin - gap,
      width: Math.max(2 * margin + columns * pitch.x - gap, 360),
    },
    /** Upper left corner of a tile's numbers. */
    placeOf: (index: number): PixelOffset => ({
      left: margin + (index % tilesPerRow) * pitch.x,
      top: top + Math.floor(index / tilesPerRow) * pitch.y + title,
    }),
  };
}

/**
 * Draw tiles in rows of twelve, each below its title.
 *
 * @throws {AppError} `invalid_input` if the picture would be too large, with the cells that fit.
 */
export async function renderTiles(
  heading: string,
  tiles: readonly Tile[],
  cell: number,
): Promise<Buffer> {
  const { margin, heading: headingPx, title } = tileGeometry;
  const { width } = layTiles(tiles, cell, 0).canvas;
  const text = await setText(heading, headingPx, width - 2 * margin);
  const layout = layTiles(tiles, cell, text.height);
  assertCell(cell, (side) => layTiles(tiles, side, text.height).canvas);
  const canvas = createCanvas(layout.canvas);
  text.draw(canvas, { left: margin, top: margin });
  for (const [index, tile] of tiles.entries()) {
    const { left, top } = layout.placeOf(index);
    (await setText(tile.title, tilePx)).draw(canvas, { left, top: top - title + 4 });
    drawTile(canvas, tile, { left, top }, cell);
  }
  return encodeCanvas(canvas);
}

function drawTile(
  canvas: Canvas,
  { height, width, values }: Tile,
  corner: PixelOffset,
  cell: number,
): void {
  const plane = height * width;
  const coloured = values.length === 3 * plane;
  drawCells(canvas, { ...corner, height, width, cell }, (row, column): Colour => {
    const levelOf = (channel: number) => level(at(values, channel * plane + row * width + column));
    const red = levelOf(0);
    return coloured ? [red, levelOf(1), levelOf(2)] : [red, red, red];
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
