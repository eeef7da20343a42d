import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Sink, unpackTar, unpackZip } from '@umbra/datasets';
import { AppError } from '@umbra/shared/errors';
import type { Request } from 'express';
import { z } from 'zod';
import { limitBody } from '../http/limit-body.js';
import type { ApiServices } from '../services.js';
import { readForm } from './multipart.js';

/** Bodies that hold images. */
export const imageBodies = {
  // Whatever a file's field is called, the file is taken.
  'multipart/form-data': z.looseObject({ images: z.array(z.file()).optional() }),
  'application/zip': 'bytes',
  'application/x-tar': 'bytes',
  'application/gzip': 'bytes',
} as const;

/** An archive may swell to so many times an upload's limit. */
const swelling = 8;

/**
 * Give the images of a request to a sink.
 *
 * @throws {AppError} `unsupported_media_type`; `too_large`; `invalid_input` if the body is broken or
 *   ends early.
 */
export async function receiveImages(
  { config, uploadSemaphore }: ApiServices,
  request: Request,
  sink: Sink,
): Promise<void> {
  assertMediaType(request);
  // A request that waits is not read: its client waits, too.
  await uploadSemaphore(() => receiveNow(config, request, sink));
}

async function receiveNow(
  config: ApiServices['config'],
  request: Request,
  sink: Sink,
): Promise<void> {
  const limit = config.UMBRA_MAX_UPLOAD_BYTES;
  const maxBytes = swelling * limit;
  const folder = await mkdtemp(join(tmpdir(), 'umbra-upload-'));
  try {
    const body = limitBody(request, limit);
    if (request.is('multipart/form-data')) {
      await readForm(request, body, sink, { folder, maxBytes });
    } else if (request.is('application/zip')) {
      const path = join(folder, 'upload.zip');
      await pipeline(body, createWriteStream(path));
      await unpackZip(path, sink, { maxBytes });
    } else {
      const isCompressed = request.is('application/gzip') !== false;
      await unpackTar(body, sink, { isCompressed, maxBytes });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function assertMediaType(request: Request): void {
  const known = Object.keys(imageBodies);
  if (request.is(known)) return;
  throw new AppError(
    'unsupported_media_type',
    `Expected Content-Type ${known.join(' or ')}, got ${request.get('content-type') ?? 'none'}`,
  );
}
