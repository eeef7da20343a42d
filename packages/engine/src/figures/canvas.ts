import type { Colour } from '@umbra/shared/colour-map';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import sharp from 'sharp';
import { drawInk } from './text.js';

/** A picture in memory, RGB, 8 bits a channel. */
export type Canvas = Size & { readonly pixels: Buffer };
/** A pixel of a canvas, counted from its upper left corner. */
export type PixelOffset = { readonly left: number; readonly top: number };
/** A part of a canvas, px. */
export type PixelBox = PixelOffset & Size;

/** Maximum size of a picture, px: three bytes each. */
export const maxCanvasPx = 40_000_000;
/** Level of text, and of signs that are drawn on figures. */
const ink = 34;
export const inkColour: Colour = [ink, ink, ink];
/** Colour of frames: apart from black, from white, and from the greys between. */
export const frameColour: Colour = [110, 110, 110];
/** What is not known: stripes, since a colour alone may be taken for one of the scale. */
const hatch: { readonly ground: Colour; readonly stripe: Colour } = {
  ground: [222, 222, 222],
  stripe: [140, 140, 140],
};
/** Distance and width of those stripes, px along a row. */
export const stripes = { pitch: 8, width: 2 } as const;

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

/** Draw what is not known: grey with darker stripes. */
export function hatchBox(canvas: Canvas, { left, top, height, width }: PixelBox): void {
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      const colour = (x + y) % stripes.pitch < stripes.width ? hatch.stripe : hatch.ground;
      canvas.pixels.set(colour, (y * canvas.width + x) * 3);
    }
  }
}

/**
 * Draw an array of numbers, a square of `cell` px each.
 *
 * @param cells Upper left corner, px; rows and columns of the array as `height` and `width`.
 * @param colourAt Colour by row and column of the array; null, drawn striped, where it is not known.
 */
export function drawCells(
  canvas: Canvas,
  { left, top, height, width, cell }: PixelOffset & Size & { readonly cell: number },
  colourAt: (row: number, column: number) => Colour | null,
): void {
  const line = Buffer.alloc(width * cell * 3);
  for (let row = 0; row < height; row++) {
    const unknown: number[] = [];
    for (let column = 0; column < width; column++) {
      const colour = colourAt(row, column);
      if (colour === null) {
        unknown.push(column);
        continue;
      }
      for (let x = 0; x < cell; x++) line.set(colour, (column * cell + x) * 3);
    }
    for (let y = 0; y < cell; y++) {
      line.copy(canvas.pixels, ((top + row * cell + y) * canvas.width + left) * 3);
    }
    for (const column of unknown) {
      const corner = { left: left + column * cell, top: top + row * cell };
      hatchBox(canvas, { ...corner, height: cell, width: cell });
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

/** Draw a frame around the outside of a box, 1 px thick. */
export const surroundBox = (canvas: Canvas, { left, top, height, width }: PixelBox): void =>
  frameBox(
    canvas,
    { left: left - 1, top: top - 1, height: height + 2, width: width + 2 },
    { thickness: 1, colour: frameColour },
  );

/** Cross a box out, from corner to corner. */
export function crossBox(canvas: Canvas, { left, top, height, width }: PixelBox): void {
  const steps = Math.max(height, width);
  for (let step = 0; step < steps; step++) {
    const y = top + Math.floor((step * height) / steps);
    const x = Math.floor((step * width) / steps);
    for (const column of [x, width - 1 - x]) {
      canvas.pixels.set(inkColour, (y * canvas.width + left + column) * 3);
    }
  }
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
        // Text is cut off at the canvas's edges.
        if (x >= pitch) continue;
        const start = (y * pitch + x) * 3;
        for (let channel = 0; channel < 3; channel++) {
          const below = pixels[start + channel];
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
