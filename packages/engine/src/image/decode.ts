import { type AppError, invalidInput } from '@umbra/shared/errors';
import { type FileFormat, formatOf, formats } from '@umbra/shared/file-formats';
import type { Size } from '@umbra/shared/occlusion/grid';
import sharp, { type Metadata, type Sharp } from 'sharp';

export type ImageLimits = {
  /** Pixels of a photo. */
  readonly maxPixels: number;
  /** Pixels of the input that a photo becomes; `defaultMaxInputPixels` if left out. */
  readonly maxInputPixels?: number;
};
export const defaultLimits: ImageLimits = { maxPixels: 100_000_000 };

/**
 * Photo formats. libvips also draws SVG, but with whatever fonts a machine has: two workers would
 * see two images.
 */
const imageFormats: readonly string[] = ['jpeg', 'png', 'webp', 'tiff', 'gif', 'heif'];
const wanted = 'Expected an image (JPEG, PNG, WebP, TIFF, GIF, AVIF)';

export type ImageInfo = Size & { readonly format: string };

/** Row-major, 8 bits a channel: RGB, or grey. */
export type Pixels = Size & { readonly data: Buffer };

/** Inspect in this process: see `inspectImage` of decoding.ts. */
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
export async function toRgb(image: Sharp): Promise<Pixels> {
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

/**
 * Encode for people to look at: nothing of the photo's metadata is in the file, such as where it was taken.
 *
 * @throws {AppError} `invalid_input` as `inspectImage`.
 */
export async function toWebp(image: Sharp): Promise<Buffer> {
  try {
    return await image.webp({ quality: 82, effort: 2 }).toBuffer();
  } catch (error) {
    throw broken(error);
  }
}

/**
 * Convert RGB to grey as Pillow's mode `L` does: ITU-R 601's luma, in 16 bits of fixed point.
 *
 * @see https://pillow.readthedocs.io/en/stable/reference/Image.html#PIL.Image.Image.convert
 */
export function toGrey({ data, height, width }: Pixels): Pixels {
  const grey = Buffer.alloc(height * width);
  for (let pixel = 0; pixel < grey.length; pixel++) {
    // Hot: three numbers a pixel.
    const red = data[pixel * 3] as number;
    const green = data[pixel * 3 + 1] as number;
    const blue = data[pixel * 3 + 2] as number;
    grey[pixel] = (red * 19_595 + green * 38_470 + blue * 7471 + 0x8000) >> 16;
  }
  return { data: grey, height, width };
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
      assertRgbTiff(bytes);
      throw unsupported(formatOf(bytes), error);
    });
  if (!imageFormats.includes(metadata.format)) {
    throw invalidInput(`${wanted}, got ${metadata.format.toUpperCase()}`);
  }
  if (metadata.compression === 'hevc') throw unsupported(formats.heic);
  assertDepth(metadata);
  const { width, height } = metadata.autoOrient;
  if (width * height > limits.maxPixels) {
    throw invalidInput(
      `Expected at most ${limits.maxPixels / 1e6} megapixels, got ${width} x ${height} px`,
    );
  }
  return { metadata, size: { width, height } };
}

/** Refuse what no decoder here reads, which is not to say that it is broken. */
const unsupported = (format: FileFormat | null, error?: unknown): AppError =>
  invalidInput(
    `${wanted}, got ${format?.name ?? 'something else'}${format?.remedy === undefined ? '' : `: ${format.remedy}`}`,
    error,
  );

/**
 * Refuse samples other than whole numbers of 8 or 16 bits. The range of others is written in no file: of
 * floats in [0, 1] a black photo would be made, and of integers of 32 bits a white one.
 */
function assertDepth({ depth, bitsPerSample }: Metadata): void {
  if (depth === 'uchar' || depth === 'ushort') return;
  const bits = bitsPerSample === undefined ? '' : ` of ${bitsPerSample} bits`;
  throw invalidInput(
    `Expected samples of 8 or 16 bits without a sign, got ${depth}${bits}, whose range the file does not tell: scale them to 8 or 16 bits`,
  );
}

/** Colour spaces of TIFF that are not decoded, by the tag PhotometricInterpretation. */
const foreignColours: ReadonlyMap<number, string> = new Map([
  [8, 'CIELab'],
  [9, 'ICCLab'],
  [10, 'ITULab'],
  [32_803, 'raw samples of a camera'],
  [34_892, 'raw samples of a camera'],
]);

/** Refuse a TIFF by its colours, if they are why it cannot be decoded. */
function assertRgbTiff(bytes: Buffer): void {
  const colours = foreignColours.get(readPhotometric(bytes) ?? -1);
  if (colours === undefined) return;
  throw invalidInput(
    `Expected an RGB, grey or CMYK image, got a TIFF of ${colours}: save it as RGB`,
  );
}

const photometricTag = 262;
const directoryEntryBytes = 12;

/** The tag PhotometricInterpretation of a TIFF's first image; undefined where it has none. */
function readPhotometric(bytes: Buffer): number | undefined {
  const isLittle = bytes.toString('latin1', 0, 4) === 'II*\0';
  if (!isLittle && bytes.toString('latin1', 0, 4) !== 'MM\0*') return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read16 = (at: number) => (at + 2 > bytes.length ? 0 : view.getUint16(at, isLittle));
  const directory = bytes.length < 8 ? 0 : view.getUint32(4, isLittle);
  for (let entry = 0; entry < read16(directory); entry++) {
    const at = directory + 2 + entry * directoryEntryBytes;
    if (read16(at) === photometricTag) return read16(at + 8);
  }
  return undefined;
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
