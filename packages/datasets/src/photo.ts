import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { inspectImage } from '@umbra/engine';
import type { DatasetItem } from '@umbra/shared/contracts/dataset';
import { AppError } from '@umbra/shared/errors';

export type UploadLimits = { readonly maxBytes: number; readonly maxPixels: number };

/** What is known of an image's content. */
export type Facts = Pick<DatasetItem, 'sha256' | 'bytes' | 'width' | 'height'>;

/** @throws {AppError} `invalid_input` if it is no image, or a broken or too large one. */
export async function examine(content: Buffer, { maxPixels }: UploadLimits): Promise<Facts> {
  const { width, height } = await inspectImage(content, { maxPixels });
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { sha256, bytes: content.length, width, height };
}

/** @throws {AppError} `too_large`, with the rest of the stream read and thrown away. */
export async function readLimited(body: Readable, { maxBytes }: UploadLimits): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += (chunk as Buffer).length;
    if (length <= maxBytes) chunks.push(chunk as Buffer);
    else chunks.length = 0;
  }
  if (length > maxBytes) throw tooLarge(maxBytes, length);
  return Buffer.concat(chunks);
}

export const tooLarge = (limit: number, bytes: number): AppError =>
  new AppError('too_large', `Expected an image of at most ${limit} bytes, got ${bytes}`);
