import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import sharp from 'sharp';
import type { Colour } from './colour-map.js';
import { drawInk } from './text.js';

/** A picture in memory, RGB, 8 bits a channel. */
export type Canvas = Size & { readonly pixels: Buffer };
/** A pixel of a canvas, counted from its upper left corner. */
export type PixelOffset = { readonly left: number; readonly top: number };
/** A part of a canvas, px. */
export type PixelBox = PixelOffset & Size;

/** Maximum size of a picture, px: three bytes each. */
export const maxCanvasPx = 40_000_000;
const ink = 34;

/** Make a white canvas. @throws {AppError} `invalid_input` if the picture would be too large. */
export function createCanvas({ height, width }: Size): Canvas {
  if (height * width > maxCanvasPx) {
    throw invalidInput(
      `Expected a picture of at most ${maxCanvasPx / 1e6} megapixels, got ${width} x ${height} px: choose a smaller cell`,
    );
  }
  return { height, width, pixels: Buffer.alloc(height * width * 3, 255) };
}

export function fillBox(
  canvas: Canvas,
  { left, top, height, width }: PixelBox,
  colour: Colour,
): void {
  const line = Buffer.alloc(width * 3);
  for (let x = 0; x < width; x++) line.set(colour, x * 3);
  for (let y = top; y < top + height; y++) line.copy(canvas.pixels, (y * canvas.width + left) * 3);
}

/**
 * Draw an array of numbers, a square of `cell` px each.
 *
 * @param cells Upper left corner, px; rows and columns of the array as `height` and `width`.
 * @param colourAt Colour by row and column of the array.
 */
export function drawCells(
  canvas: Canvas,
  { left, top, height, width, cell }: PixelOffset & Size & { readonly cell: number },
  colourAt: (row: number, column: number) => Colour,
): void {
  const line = Buffer.alloc(width * cell * 3);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const colour = colourAt(row, column);
      for (let x = 0; x < cell; x++) line.set(colour, (column * cell + x) * 3);
    }
    for (let y = 0; y < cell; y++) {
      line.copy(canvas.pixels, ((top + row * cell + y) * canvas.width + left) * 3);
    }
  }
}

/** Draw a frame around the inside of a box. @param line Thickness in px, and colour. */
export function frameBox(
  canvas: Canvas,
  { left, top, height, width }: PixelBox,
  { thickness, colour }: { readonly thickness: number; readonly colour: Colour },
): void {
  const [thickY, thickX] = [Math.min(thickness, height), Math.min(thickness, width)];
  fillBox(canvas, { left, top, height: thickY, width }, colour);
  fillBox(canvas, { left, top: top + height - thickY, height: thickY, width }, colour);
  fillBox(canvas, { left, top, height, width: thickX }, colour);
  fillBox(canvas, { left: left + width - thickX, top, height, width: thickX }, colour);
}

/** Text ready to be drawn, and its extent, px. */
export type TextBlock = Size & { draw(canvas: Canvas, corner: PixelOffset): void };

/** Set a text; one longer than `maxWidth` px is wrapped. */
export async function setText(text: string, sizePx: number, maxWidth = 10_000): Promise<TextBlock> {
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
          const below = pixels[start + channel];
          // Text is cut off at the canvas's lower edge.
          if (below === undefined) continue;
          pixels[start + channel] = Math.round(below + ((ink - below) * strength) / 255);
        }
      }
    },
  };
}

/** Encode a canvas. @returns A PNG file. */
export const encodeCanvas = ({ pixels, height, width }: Canvas): Promise<Buffer> =>
  sharp(pixels, { raw: { height, width, channels: 3 } })
    .png()
    .toBuffer();
