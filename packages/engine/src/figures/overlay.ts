import type { Box, Size } from '@umbra/shared/occlusion/grid';
import sharp from 'sharp';
import { defaultLimits } from '../image/decode.js';
import { decodePixels } from '../image/decoding.js';
import type { Frame } from '../image/frame.js';
import type { PixelBox } from './canvas.js';
import { divergingColour } from './colour-map.js';
import { scaleLimit } from './heatmap.js';

const maxSidePx = 1024;
const thumbnailPx = 128;
/** Opacity of the strongest attribution. */
const maxOpacity = 0.8;
/** Brightness of what the model never saw. */
const dimming = 0.45;

/**
 * Draw an attribution map over the photo it explains, mapped back through crop and resize. What the
 * model never saw is dimmed.
 *
 * @param attribution float32 [height, width] in the model's input frame.
 * @param photo The photo's file; drawn upright, at most 1024 px on its longer side.
 * @returns A PNG file.
 */
export async function renderOverlay(
  attribution: Float32Array,
  { height, width }: Size,
  frame: Frame,
  photo: Buffer,
): Promise<Buffer> {
  const base = await decodePixels(photo, defaultLimits, {
    resize: { width: maxSidePx, height: maxSidePx, fit: 'inside', withoutEnlargement: true },
  });
  const region = regionOf(frame, base);
  const heat = await sharp(heatPixels(attribution), { raw: { height, width, channels: 4 } })
    .resize({ width: region.width, height: region.height, fit: 'fill', kernel: 'linear' })
    .png()
    .toBuffer();
  const dimmed = await sharp(base.data, { raw: { ...sizeOf(base), channels: 3 } })
    .linear(dimming, 0)
    .png()
    .toBuffer();
  const seen = await sharp(base.data, { raw: { ...sizeOf(base), channels: 3 } })
    .extract(region)
    // Paler, so that a colour is the map's and not the photo's.
    .modulate({ saturation: 0.3 })
    .png()
    .toBuffer();
  const { left, top } = region;
  return sharp(dimmed)
    .composite([
      { input: seen, left, top },
      { input: heat, left, top },
    ])
    .png()
    .toBuffer();
}

/**
 * Shrink an overlay, so that one page can show hundreds of them.
 *
 * @param overlay A PNG file.
 * @returns A WebP file, at most 128 px on its longer side: some kilobytes.
 */
export function renderThumbnail(overlay: Buffer): Promise<Buffer> {
  const size = { width: thumbnailPx, height: thumbnailPx };
  return sharp(overlay)
    .resize({ ...size, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
    .toBuffer();
}

/**
 * Map a part of the photo to a drawing of it, px.
 *
 * @param part px of the resized photo; the model's input frame when left out.
 */
export function regionOf({ resized, crop }: Frame, drawn: Size, part: Box = crop): PixelBox {
  const x = (value: number) => clamp((value * drawn.width) / resized.width, drawn.width);
  const y = (value: number) => clamp((value * drawn.height) / resized.height, drawn.height);
  const [left, right] = [x(part.left), x(part.right)];
  const [top, bottom] = [y(part.top), y(part.bottom)];
  return { left, top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
}

const clamp = (value: number, limit: number) => Math.min(limit, Math.max(0, Math.round(value)));

const sizeOf = ({ height, width }: Size): Size => ({ height, width });

/** Colour an attribution map by sign, with opacity by strength: unimportant regions stay clear. RGBA. */
function heatPixels(attribution: Float32Array): Buffer {
  const limit = scaleLimit(attribution);
  const pixels = Buffer.alloc(attribution.length * 4);
  let colour: readonly number[] = [...divergingColour(0), 0];
  let last = 0;
  for (const [index, value] of attribution.entries()) {
    // Maps of patches hold long runs of one value.
    if (value !== last) {
      const strength = limit === 0 ? 0 : value / limit;
      const hue = divergingColour(Math.sign(strength) * (0.5 + 0.5 * Math.abs(strength)));
      colour = [...hue, Math.round(255 * maxOpacity * Math.abs(strength))];
    }
    last = value;
    pixels.set(colour, index * 4);
  }
  return pixels;
}
