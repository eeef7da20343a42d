import { fileURLToPath } from 'node:url';
import { escapeHidden } from '@umbra/shared/visible-text';
import sharp, { type Sharp } from 'sharp';

/** The font travels along: a server often has none, and pictures must look the same there. */
const fontFile = fileURLToPath(new URL('../../assets/fonts/DejaVuSans.ttf', import.meta.url));

/** Maximum count of characters that are drawn: names of classes may be of any length. */
const maxCharacters = 400;

/**
 * Draw one or more lines of text.
 *
 * @param maxWidth Longer text is wrapped, px; between words where it can be.
 * @returns The strength of ink at each pixel, 8 bits, [height, width].
 */
export async function drawInk(text: string, sizePx: number, maxWidth: number) {
  const { data, info } = await textImage(text, sizePx, maxWidth)
    .extractChannel('alpha')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { alpha: data, width: info.width, height: info.height };
}

function textImage(text: string, sizePx: number, maxWidth: number): Sharp {
  const characters = [...escapeHidden(text)];
  const shown =
    characters.length > maxCharacters
      ? `${characters.slice(0, maxCharacters).join('')}\u2026`
      : characters.join('');
  const escaped = shown.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return sharp({
    text: {
      text: `<span foreground="#222222">${escaped}</span>`,
      font: `DejaVu Sans ${sizePx}`,
      fontfile: fontFile,
      rgba: true,
      dpi: 72,
      width: Math.floor(maxWidth),
      wrap: 'word-char',
    },
  });
}
