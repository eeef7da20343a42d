import type { Size } from '@umbra/shared/occlusion/grid';
import type { Region } from 'sharp';
import type { ImageInfo, ImageLimits, Pixels } from './decode.js';
import { type Decoded, type DecodeTask, decodeHere, type PhotoCut } from './decode-task.js';
import { type DecoderPool, type DecoderPoolOptions, openDecoderPool } from './decoder-pool.js';

let pool: DecoderPool | null = null;
let users = 0;

/**
 * Decode every photo of this process in child processes from now on, as a service does whose photos are
 * its users'. Those who ask share the processes that the first asked for.
 *
 * @returns Undoes it; the last one ends the processes.
 */
export function isolateDecoding(options: DecoderPoolOptions): () => void {
  pool ??= openDecoderPool(options);
  users += 1;
  return () => {
    users -= 1;
    if (users > 0) return;
    pool?.close();
    pool = null;
  };
}

/** The reply is of the task's kind, whichever process gives it. */
const decode = <K extends DecodeTask['kind']>(
  bytes: Buffer,
  task: DecodeTask & { readonly kind: K },
): Promise<Decoded<K>> =>
  (pool === null ? decodeHere(bytes, task) : pool.run(bytes, task)) as Promise<Decoded<K>>;

/**
 * Check that a file is an image that can be decoded to its end, and report its extent and format.
 *
 * @param bytes The file as uploaded; of an animation, the first frame counts.
 * @returns Extent in px after the EXIF orientation is applied.
 * @throws {AppError} `invalid_input` if it is empty, no image, broken, or too large.
 */
export const inspectImage = (bytes: Buffer, limits: ImageLimits): Promise<ImageInfo> =>
  decode(bytes, { kind: 'inspect', limits });

/** Read the upright extent, px. @throws {AppError} `invalid_input` as `inspectImage`. */
export const readSize = (bytes: Buffer, limits: ImageLimits): Promise<Size> =>
  decode(bytes, { kind: 'size', limits });

/** Decode to upright 8-bit RGB of another size. @throws {AppError} `invalid_input` as `inspectImage`. */
export const decodePixels = (bytes: Buffer, limits: ImageLimits, cut: PhotoCut): Promise<Pixels> =>
  decode(bytes, { kind: 'pixels', limits, ...cut });

/**
 * Draw a photo upright as a WebP file, shrunk into an extent and never enlarged, without its metadata.
 *
 * @param part Of the upright photo; all of it if left out.
 * @throws {AppError} `invalid_input` as `inspectImage`.
 */
export const drawPhoto = (
  bytes: Buffer,
  limits: ImageLimits,
  within: Size,
  part?: Region,
): Promise<Buffer> => decode(bytes, { kind: 'photo', limits, within, part });
