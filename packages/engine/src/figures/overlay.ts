import { at } from '@umbra/shared/assert';
import { type Colour, divergingColour } from '@umbra/shared/colour-map';
import { defaultOpacity } from '@umbra/shared/contracts/overlay';
import type { Frame } from '@umbra/shared/occlusion/frame';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import sharp from 'sharp';
import { defaultLimits } from '../image/decode.js';
import { decodePixels } from '../image/decoding.js';
import { type Canvas, type PixelBox, stripes, surroundBox } from './canvas.js';
import { renderFigure } from './figure.js';
import { type HeatmapText, mapScale, scaleLimit } from './heatmap.js';

const maxSidePx = 1024;
/** A smaller photo is enlarged to this longer side, so that its map can be seen. */
const minSidePx = 448;
const thumbnailPx = 128;
/** Brightness of what the model never saw. */
const dimming = 0.45;
/** Opacity of stripes over what no patch reached. */
const striping = 0.6;

/** An attribution map and the photo that it explains. */
export type PhotoMap = Size & {
  /** float32 [height, width] in the model's input frame; NaN where nothing is known. */
  readonly attribution: Float32Array;
  readonly frame: Frame;
  /** The photo's file. */
  readonly photo: Buffer;
};

/**
 * Draw an attribution map over the photo it explains, mapped back through crop and resize, with a title
 * and a colour bar. The photo is upright, 448 to 1024 px on its longer side. What the model never saw
 * is dimmed, and what no patch reached is striped.
 *
 * @param opacity Opacity of the strongest attribution, in [0, 1].
 * @returns A PNG file.
 */
export async function renderOverlay(
  map: PhotoMap,
  { title, unit }: HeatmapText,
  opacity = defaultOpacity,
): Promise<Buffer> {
  const { frame, attribution } = map;
  const longer = Math.max(frame.photo.height, frame.photo.width);
  const drawn = await drawOverPhoto(map, {
    side: Math.min(maxSidePx, Math.max(minSidePx, longer)),
    opacity,
  });
  const isCut = drawn.region.height < drawn.height || drawn.region.width < drawn.width;
  return renderFigure({
    title,
    body: { height: drawn.height, width: drawn.width },
    draw(canvas, { left, top }) {
      for (let y = 0; y < drawn.height; y++) {
        const start = ((top + y) * canvas.width + left) * 3;
        drawn.pixels.copy(canvas.pixels, start, y * drawn.width * 3, (y + 1) * drawn.width * 3);
      }
      surroundBox(canvas, { left, top, height: drawn.height, width: drawn.width });
    },
    scale: mapScale(attribution, (share) => blend([255, 255, 255], heatOf(share, opacity))),
    caption: isCut ? `${unit}; dark: not in the model's input` : unit,
  });
}

/**
 * Draw an overlay without words, so small that one page can show hundreds of them.
 *
 * @returns A WebP file, at most 128 px on its longer side: some kilobytes.
 */
export async function renderThumbnail(map: PhotoMap, opacity = defaultOpacity): Promise<Buffer> {
  const { pixels, height, width } = await drawOverPhoto(map, { side: thumbnailPx, opacity });
  return sharp(pixels, { raw: { height, width, channels: 3 } })
    .webp({ quality: 80 })
    .toBuffer();
}

/** Draw a photo with its map, `side` px on its longer side; the region is the model's input. */
async function drawOverPhoto(
  { attribution, height, width, frame, photo }: PhotoMap,
  { side, opacity }: { readonly side: number; readonly opacity: number },
): Promise<Canvas & { readonly region: PixelBox }> {
  const base = await decodePixels(photo, defaultLimits, {
    resize: { width: side, height: side, fit: 'inside' },
  });
  const size = { height: base.height, width: base.width };
  const region = regionOf(frame, size);
  const { left, top } = region;
  const heat = await sharp(heatPixels(attribution, opacity), {
    raw: { height, width, channels: 4 },
  })
    .resize({ width: region.width, height: region.height, fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer();
  const seen = await sharp(base.data, { raw: { ...size, channels: 3 } })
    .extract(region)
    // Paler, so that a colour is the map's and not the photo's.
    .modulate({ saturation: 0.3 })
    .raw()
    .toBuffer();
  const pixels = Buffer.from(base.data.map((value) => Math.round(value * dimming)));
  const source = (place: number, drawn: number, all: number) =>
    Math.floor(((place + 0.5) * all) / drawn);
  for (let y = 0; y < region.height; y++) {
    const row = source(y, region.height, height) * width;
    for (let x = 0; x < region.width; x++) {
      const from = y * region.width + x;
      const to = ((top + y) * size.width + left + x) * 3;
      const isUnknown = Number.isNaN(at(attribution, row + source(x, region.width, width)));
      const stripe = isUnknown ? stripeAt(x + y) : null;
      const alpha = stripe === null ? at(heat, from * 4 + 3) / 255 : stripe.alpha;
      // Hot: read `as number`, since the indices lie inside both by construction.
      for (let channel = 0; channel < 3; channel++) {
        const below = seen[from * 3 + channel] as number;
        const above = stripe === null ? (heat[from * 4 + channel] as number) : stripe.level;
        pixels[to + channel] = Math.round(below + (above - below) * alpha);
      }
    }
  }
  return { pixels, ...size, region };
}

/**
 * Map a part of the photo to a drawing of it, px.
 *
 * @param part px of the resized photo; the model's input frame when left out.
 */
export function regionOf({ resized, crop }: Frame, drawn: Size, part: Box = crop): PixelBox {
  const x = (value: number) => clamp((value * drawn.width) / resized.width, drawn.width);
  const y = (value: number) => clamp((value * drawn.height) / resized.height, drawn.height);
  const [left, top] = [
    Math.min(x(part.left), drawn.width - 1),
    Math.min(y(part.top), drawn.height - 1),
  ];
  const [right, bottom] = [x(part.right), y(part.bottom)];
  return { left, top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
}

const clamp = (value: number, limit: number) => Math.min(limit, Math.max(0, Math.round(value)));

/** A dark and a light stripe, so that one of them is seen on any photo, and the photo between them. */
function stripeAt(place: number): { readonly level: number; readonly alpha: number } {
  const phase = place % stripes.pitch;
  if (phase >= 2 * stripes.width) return { level: 0, alpha: 0 };
  return { level: phase < stripes.width ? 0 : 255, alpha: striping };
}

/** A colour, and its opacity in [0, 1]. */
type Heat = { readonly colour: Colour; readonly alpha: number };

/** Colour a share of the limit by sign, with opacity by strength: unimportant regions stay clear. */
const heatOf = (share: number, opacity: number): Heat => ({
  colour: divergingColour(Math.sign(share) * (0.5 + 0.5 * Math.abs(share))),
  alpha: opacity * Math.abs(share),
});

function blend([red, green, blue]: Colour, { colour, alpha }: Heat): Colour {
  const over = (below: number, above: number) => Math.round(below + (above - below) * alpha);
  return [over(red, colour[0]), over(green, colour[1]), over(blue, colour[2])];
}

/** Draw a map as heat, one pixel a number. RGBA; clear where nothing is known. */
function heatPixels(attribution: Float32Array, opacity: number): Buffer {
  const limit = scaleLimit(attribution);
  const pixels = Buffer.alloc(attribution.length * 4);
  let heat = heatOf(0, opacity);
  let last = 0;
  for (const [index, value] of attribution.entries()) {
    if (Number.isNaN(value)) continue;
    // Maps of patches hold long runs of one value.
    if (value !== last) heat = heatOf(limit === 0 ? 0 : value / limit, opacity);
    last = value;
    pixels.set([...heat.colour, Math.round(255 * heat.alpha)], index * 4);
  }
  return pixels;
}
