import { createRequire } from 'node:module';
import sharp from 'sharp';

/** The font travels as a package: a server often has none, and pictures must look the same there. */
const fontFile = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');

export type TextImage = { readonly png: Buffer; readonly width: number; readonly height: number };

/**
 * Draw one or more lines of dark text on nothing.
 *
 * @param maxWidth Longer text is wrapped, px.
 */
export async function drawText(text: string, sizePx: number, maxWidth: number): Promise<TextImage> {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const { data, info } = await sharp({
    text: {
      text: `<span foreground="#222222">${escaped}</span>`,
      font: `DejaVu Sans ${sizePx}`,
      fontfile: fontFile,
      rgba: true,
      dpi: 72,
      width: Math.floor(maxWidth),
    },
  })
    .png()
    .toBuffer({ resolveWithObject: true });
  return { png: data, width: info.width, height: info.height };
}
