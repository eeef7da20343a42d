import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';

/** The font travels along: a server often has none, and pictures must look the same there. */
const fontFile = fileURLToPath(new URL('../../assets/fonts/DejaVuSans.ttf', import.meta.url));

export type TextImage = { readonly png: Buffer; readonly width: number; readonly height: number };

/**
 * Draw one or more lines of dark text on nothing.
 *
 * @param maxWidth Longer text is wrapped, px.
 */
export async function drawText(text: string, sizePx: number, maxWidth: number): Promise<TextImage> {
  const { data, info } = await textImage(text, sizePx, maxWidth)
    .png()
    .toBuffer({ resolveWithObject: true });
  return { png: data, width: info.width, height: info.height };
}

/** The same as the strength of ink at each pixel, 8 bits, [height, width]. */
export async function drawInk(text: string, sizePx: number, maxWidth: number) {
  const { data, info } = await textImage(text, sizePx, maxWidth)
    .extractChannel('alpha')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { alpha: data, width: info.width, height: info.height };
}

function textImage(text: string, sizePx: number, maxWidth: number): Sharp {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return sharp({
    text: {
      text: `<span foreground="#222222">${escaped}</span>`,
      font: `DejaVu Sans ${sizePx}`,
      fontfile: fontFile,
      rgba: true,
      dpi: 72,
      width: Math.floor(maxWidth),
    },
  });
}
