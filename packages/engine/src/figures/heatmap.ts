import type { Size } from '@umbra/shared/occlusion/grid';
import sharp, { type OverlayOptions } from 'sharp';
import type { PixelOffset } from './canvas.js';
import { divergingColour } from './colour-map.js';
import { drawText } from './text.js';

const mapPx = 448;
const margin = 16;
const barWidth = 18;
const labelWidth = 84;

/** End of the symmetric colour scale: the largest absolute value, 0 for a flat map. */
export function scaleLimit(attribution: Float32Array): number {
  let limit = 0;
  for (const value of attribution) limit = Math.max(limit, Math.abs(value));
  return limit;
}

export type HeatmapText = {
  readonly title: string;
  /** Unit of the values and meaning of their sign, for the caption. */
  readonly unit: string;
};

/**
 * Draw an attribution map with a title, a colour bar and a caption.
 *
 * @param attribution float32 [height, width] in the model's input frame.
 * @returns A PNG file.
 */
export async function renderHeatmap(
  attribution: Float32Array,
  { height, width }: Size,
  { title, unit }: HeatmapText,
): Promise<Buffer> {
  const limit = scaleLimit(attribution);
  const factor = mapPx / Math.max(height, width);
  const map = { height: Math.round(height * factor), width: Math.round(width * factor) };
  const canvasWidth = margin + map.width + margin + barWidth + 8 + labelWidth;
  const heading = await drawText(title, 16, canvasWidth - 2 * margin);
  const caption = await drawText(unit, 12, canvasWidth - 2 * margin);
  const top = margin + heading.height + 12;
  const barLeft = margin + map.width + margin;
  const layers: OverlayOptions[] = [
    { input: heading.png, left: margin, top: margin },
    {
      input: await colourImage(attribution, { height, width }, { limit, target: map }),
      left: margin,
      top,
    },
    { input: await colourBar(map.height), left: barLeft, top },
    ...(await tickLabels(limit, { left: barLeft + barWidth + 8, top, height: map.height })),
    { input: caption.png, left: margin, top: top + map.height + 12 },
  ];
  const canvasHeight = top + map.height + 12 + caption.height + margin;
  return sharp({
    create: { width: canvasWidth, height: canvasHeight, channels: 3, background: '#ffffff' },
  })
    .composite(layers)
    .png()
    .toBuffer();
}

async function colourImage(
  values: Float32Array,
  size: Size,
  { limit, target }: { readonly limit: number; readonly target: Size },
): Promise<Buffer> {
  const pixels = Buffer.alloc(values.length * 3);
  let colour = divergingColour(0);
  let last = 0;
  for (const [index, value] of values.entries()) {
    // Maps of patches hold long runs of one value.
    if (value !== last) colour = divergingColour(limit === 0 ? 0 : value / limit);
    last = value;
    pixels.set(colour, index * 3);
  }
  return sharp(pixels, { raw: { ...size, channels: 3 } })
    .resize({ ...target, fit: 'fill', kernel: 'nearest' })
    .png()
    .toBuffer();
}

/** Draw the colours from the largest value, at the top, to the smallest. */
async function colourBar(height: number): Promise<Buffer> {
  const pixels = Buffer.alloc(height * 3);
  for (let y = 0; y < height; y++) pixels.set(divergingColour(1 - (2 * y) / (height - 1)), y * 3);
  return sharp(pixels, { raw: { height, width: 1, channels: 3 } })
    .resize({ width: barWidth, height, fit: 'fill', kernel: 'nearest' })
    .png()
    .toBuffer();
}

async function tickLabels(
  limit: number,
  { left, top, height }: PixelOffset & { readonly height: number },
): Promise<OverlayOptions[]> {
  const ticks = [1, 0.5, 0, -0.5, -1];
  return Promise.all(
    ticks.map(async (tick) => {
      const image = await drawText(formatTick(tick * limit, limit), 12, labelWidth);
      const centre = top + ((1 - tick) / 2) * (height - 1);
      const lowest = top + height - image.height;
      const y = Math.min(lowest, Math.max(top, Math.round(centre - image.height / 2)));
      return { input: image.png, left, top: y };
    }),
  );
}

/** Format a tick: three significant digits at the scale's ends, and as many decimals elsewhere. */
export function formatTick(value: number, limit: number): string {
  if (value === 0) return '0';
  const sign = value > 0 ? '+' : '\u2212';
  const size = Math.abs(value);
  if (limit < 0.001 || limit >= 10_000) return sign + size.toExponential(2);
  return sign + size.toFixed(Math.max(0, 2 - Math.floor(Math.log10(limit))));
}
