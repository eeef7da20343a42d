import type { Tiling } from '@umbra/shared/contracts/layer';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import {
  type Canvas,
  createCanvas,
  drawCells,
  encodeCanvas,
  label,
  maxCanvasPx,
} from './canvas.js';
import type { Colour } from './colour-map.js';

/** One picture of a tiled figure. */
export type Tile = Size & {
  readonly title: string;
  /** In [0, 1]: [height, width] grey, or [3, height, width] red, green, blue. */
  readonly values: Float32Array;
};

/** One page of a figure. */
export type FigurePage = { readonly png: Buffer; readonly page: number; readonly pages: number };

/** Tiles in a row, as in the founding article. */
export const tilesPerRow = 12;
export const tilesPerPage = 16 * tilesPerRow;

/** Where things are, px. */
export const tileGeometry = { margin: 16, gap: 8, title: 16, heading: 14 } as const;
const titlePx = 11;
/** Advance of a digit at `titlePx`. */
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

/** The slices of one page: `[start, end)` of so many tiles. @throws {AppError} `invalid_input` */
export function pageOf(tiles: number, { page }: Pick<Tiling, 'page'>, perPage = tilesPerPage) {
  const pages = Math.max(1, Math.ceil(tiles / perPage));
  if (page > pages) throw invalidInput(`Expected page to be from 1 to ${pages}, got ${page}`);
  const start = (page - 1) * perPage;
  return { page, pages, start, end: Math.min(start + perPage, tiles) };
}

/** The side of a cell at which a tile is easily seen, px. */
export const suitableCell = ({ height, width }: Size, wanted = 36): number =>
  Math.min(64, Math.max(1, Math.round(wanted / Math.max(height, width))));

/** Where the tiles of a page go; all are of one size. */
export function layTiles(tiles: readonly Tile[], cell: number, headingHeight: number) {
  const [{ height, width } = { height: 0, width: 0 }] = tiles;
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
    placeOf: (index: number) => ({
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
  const words = await label(heading, headingPx, width - 2 * margin);
  const layout = layTiles(tiles, cell, words.height);
  assertCell(cell, (side) => layTiles(tiles, side, words.height).canvas);
  const canvas = createCanvas(layout.canvas);
  words.draw(canvas, { left: margin, top: margin });
  for (const [index, tile] of tiles.entries()) {
    const { left, top } = layout.placeOf(index);
    (await label(tile.title, titlePx)).draw(canvas, { left, top: top - title + 4 });
    drawTile(canvas, tile, { left, top }, cell);
  }
  return encodeCanvas(canvas);
}

function drawTile(
  canvas: Canvas,
  { height, width, values }: Tile,
  place: { left: number; top: number },
  cell: number,
): void {
  const plane = height * width;
  const coloured = values.length === 3 * plane;
  drawCells(canvas, place, { height, width }, cell, (row, column): Colour => {
    const at = row * width + column;
    return coloured
      ? [level(values[at]), level(values[at + plane]), level(values[at + 2 * plane])]
      : grey(values[at]);
  });
}

/** @param value In [0, 1]. */
export const level = (value = 0): number => Math.round(value * 255);
export const grey = (value = 0): Colour => [level(value), level(value), level(value)];

/** @throws {AppError} `invalid_input` naming the largest cell whose picture is drawn. */
export function assertCell(cell: number, sizeAt: (cell: number) => Size): void {
  const fits = (side: number) => {
    const { height, width } = sizeAt(side);
    return height * width <= maxCanvasPx;
  };
  if (fits(cell)) return;
  let most = cell;
  while (most > 1 && !fits(most)) most--;
  throw invalidInput(
    `Expected cell to be from 1 to ${most} px for this figure, got ${cell}: larger ones make a picture of more than ${maxCanvasPx / 1e6} megapixels`,
  );
}
