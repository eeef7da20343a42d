import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import sharp from 'sharp';
import type { Colour } from './colour-map.js';
import { drawInk } from './text.js';

/** A picture in memory, RGB, 8 bits a channel. */
export type Canvas = Size & { readonly pixels: Buffer };
export type Place = { readonly left: number; readonly top: number };

/** Largest picture that is drawn, px: three bytes each. */
export const maxCanvasPx = 40_000_000;
const ink = 34;

/** @throws {AppError} `invalid_input` if the picture would be too large. */
export function createCanvas({ height, width }: Size): Canvas {
  if (height * width > maxCanvasPx) {
    throw invalidInput(
      `Expected a picture of at most ${maxCanvasPx / 1e6} megapixels, got ${width} x ${height} px: choose a smaller cell`,
    );
  }
  return { height, width, pixels: Buffer.alloc(height * width * 3, 255) };
}

export function fillBox(canvas: Canvas, { left, top }: Place, size: Size, colour: Colour): void {
  const row = Buffer.alloc(size.width * 3);
  for (let x = 0; x < size.width; x++) row.set(colour, x * 3);
  for (let y = top; y < top + size.height; y++)
    row.copy(canvas.pixels, (y * canvas.width + left) * 3);
}

/**
 * Draw an array of numbers, a square of `cell` px each.
 *
 * @param colourAt By row and column of the array.
 */
export function drawCells(
  canvas: Canvas,
  { left, top }: Place,
  { height, width }: Size,
  cell: number,
  colourAt: (row: number, column: number) => Colour,
): void {
  const line = Buffer.alloc(width * cell * 3);
  for (let row = 0; row < height; row++) {
    for (let x = 0; x < width; x++) {
      const colour = colourAt(row, x);
      for (let step = 0; step < cell; step++) line.set(colour, (x * cell + step) * 3);
    }
    for (let step = 0; step < cell; step++) {
      line.copy(canvas.pixels, ((top + row * cell + step) * canvas.width + left) * 3);
    }
  }
}

/** A frame of `thickness` px around the inside of a box. */
export function frameBox(
  canvas: Canvas,
  { left, top }: Place,
  { height, width }: Size,
  thickness: number,
  colour: Colour,
): void {
  const [high, wide] = [Math.min(thickness, height), Math.min(thickness, width)];
  fillBox(canvas, { left, top }, { height: high, width }, colour);
  fillBox(canvas, { left, top: top + height - high }, { height: high, width }, colour);
  fillBox(canvas, { left, top }, { height, width: wide }, colour);
  fillBox(canvas, { left: left + width - wide, top }, { height, width: wide }, colour);
}

export type Label = Size & { draw(canvas: Canvas, place: Place): void };

/** Text to be drawn; longer text than `maxWidth` px is wrapped. */
export async function label(text: string, sizePx: number, maxWidth = 10_000): Promise<Label> {
  const { alpha, height, width } = await drawInk(text, sizePx, maxWidth);
  return {
    height,
    width,
    draw({ pixels, width: pitch }, { left, top }) {
      for (const [at, strength] of alpha.entries()) {
        if (strength === 0) continue;
        const [y, x] = [top + Math.floor(at / width), left + (at % width)];
        const start = (y * pitch + x) * 3;
        for (let channel = 0; channel < 3; channel++) {
          const below = pixels[start + channel] ?? 255;
          pixels[start + channel] = Math.round(below + ((ink - below) * strength) / 255);
        }
      }
    },
  };
}

/** @returns A PNG file. */
export const encodeCanvas = ({ pixels, height, width }: Canvas): Promise<Buffer> =>
  sharp(pixels, { raw: { height, width, channels: 3 } })
    .png()
    .toBuffer();
