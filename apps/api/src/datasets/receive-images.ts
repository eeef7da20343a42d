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

/** Request bodies that hold images. */
export const imageBodies = {
  // A file is accepted under any field name.
  'multipart/form-data': z.looseObject({ images: z.array(z.file()).optional() }),
  'application/zip': 'bytes',
  'application/x-tar': 'bytes',
  'application/gzip': 'bytes',
} as const;

/** Maximum size of an archive's contents, as a multiple of an upload's. */
const maxExpansion = 8;

/**
 * Pass the images of a request's body to a sink.
 *
 * @throws {AppError} `unsupported_media_type`; `too_large`; `invalid_input` if the body is broken or
 *   ends early.
 */
export async function receiveImages(
  { config, uploadSemaphore }: Pick<ApiServices, 'config' | 'uploadSemaphore'>,
  request: Request,
  sink: Sink,
): Promise<void> {
  assertMediaType(request);
  // A request that waits is not read, which holds its client back.
  await uploadSemaphore(() => receiveNow(config, request, sink));
}

async function receiveNow(
  config: ApiServices['config'],
  request: Request,
  sink: Sink,
): Promise<void> {
  const limit = config.UMBRA_MAX_UPLOAD_BYTES;
  const maxBytes = maxExpansion * limit;
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
