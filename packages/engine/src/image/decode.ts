import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import sharp, { type Metadata, type Sharp } from 'sharp';

export type ImageLimits = { readonly maxPixels: number };
export const defaultLimits: ImageLimits = { maxPixels: 100_000_000 };

/**
 * Photo formats. libvips also draws SVG, but with whatever fonts a machine has: two workers would
 * see two images.
 */
const formats: readonly string[] = ['jpeg', 'png', 'webp', 'tiff', 'gif', 'heif'];
const wanted = 'Expected an image (JPEG, PNG, WebP, TIFF, GIF, AVIF)';

export type ImageInfo = Size & { readonly format: string };

/** Row-major RGB, 8 bits a channel. */
export type Rgb = Size & { readonly data: Buffer };

/**
 * Check that a file is an image that can be decoded to its end, and report its extent and format.
 *
 * @param bytes The file as uploaded; of an animation, the first frame counts.
 * @returns Extent in px after the EXIF orientation is applied.
 * @throws {AppError} `invalid_input` if it is empty, no image, broken, or too large.
 */
export async function inspectImage(bytes: Buffer, limits: ImageLimits): Promise<ImageInfo> {
  const { metadata, size } = await readHeader(bytes, limits);
  try {
    // Statistics need every pixel, so a file that ends early is found here, at little memory.
    await open(bytes, limits).stats();
  } catch (error) {
    throw broken(error);
  }
  return { ...size, format: metadata.format };
}

/** Decode to upright 8-bit RGB: orientation applied, transparency on white, any colour space. */
export function openRgb(bytes: Buffer, limits: ImageLimits): Sharp {
  return open(bytes, limits).autoOrient().flatten({ background: '#ffffff' }).toColourspace('srgb');
}

/** Decode to 8-bit RGB. @throws {AppError} `invalid_input` as `inspectImage`. */
export async function toRgb(image: Sharp): Promise<Rgb> {
  try {
    const { data, info } = await image
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return {
      data: info.channels === 1 ? repeatGrey(data) : data,
      width: info.width,
      height: info.height,
    };
  } catch (error) {
    throw broken(error);
  }
}

/** Read the upright extent, px. @throws {AppError} `invalid_input` as `inspectImage`. */
export async function readSize(bytes: Buffer, limits: ImageLimits): Promise<Size> {
  return (await readHeader(bytes, limits)).size;
}

async function readHeader(
  bytes: Buffer,
  limits: ImageLimits,
): Promise<{ metadata: Metadata; size: Size }> {
  if (bytes.length === 0) throw invalidInput('Expected an image, got an empty file');
  // No pixel limit here: the error below names the size, which the header holds.
  const metadata = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((error: unknown) => {
      throw invalidInput(`${wanted}, got something else`, error);
    });
  if (!formats.includes(metadata.format)) {
    throw invalidInput(`${wanted}, got ${metadata.format.toUpperCase()}`);
  }
  const { width, height } = metadata.autoOrient;
  if (width * height > limits.maxPixels) {
    throw invalidInput(
      `Expected at most ${limits.maxPixels / 1e6} megapixels, got ${width} x ${height} px`,
    );
  }
  return { metadata, size: { width, height } };
}

const open = (bytes: Buffer, limits: ImageLimits): Sharp =>
  sharp(bytes, { failOn: 'truncated', limitInputPixels: limits.maxPixels });

function repeatGrey(grey: Buffer): Buffer {
  const rgb = Buffer.alloc(grey.length * 3);
  for (const [pixel, level] of grey.entries()) rgb.fill(level, pixel * 3, pixel * 3 + 3);
  return rgb;
}

function broken(error: unknown): Error {
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
  return invalidInput(
    `Expected a complete image, got one that cannot be decoded (${reason})`,
    error,
  );
}
