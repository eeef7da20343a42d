import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { maxExpansion, type Sink, unpackTar, unpackZip } from '@umbra/datasets';
import { makeTemporaryFolder } from '@umbra/platform/temporary-folders';
import { AppError, invalidInput } from '@umbra/shared/errors';
import { formatHeadBytes, formatOf } from '@umbra/shared/file-formats';
import type { Request } from 'express';
import { z } from 'zod';
import { receiveBody, type Upload } from '../http/receive-body.js';
import type { ApiServices } from '../services.js';
import { readForm, type Unpacking } from './multipart.js';

/** Request bodies that hold images. What an archive is, its beginning says: clients name it variously. */
export const imageBodies = {
  // A file is accepted under any field name.
  'multipart/form-data': z.looseObject({ images: z.array(z.file()).optional() }),
  'application/zip': 'bytes',
  'application/x-zip-compressed': 'bytes',
  'application/x-tar': 'bytes',
  'application/gzip': 'bytes',
  'application/x-gzip': 'bytes',
  'application/octet-stream': 'bytes',
} as const;

/**
 * Pass the images of a request's body to a sink.
 *
 * @throws {AppError} `unsupported_media_type`; `too_large`; `invalid_input` if the body is broken or
 *   ends early.
 */
export async function receiveImages(
  services: Pick<ApiServices, 'config' | 'turns'>,
  upload: Upload,
  sink: Sink,
): Promise<void> {
  assertMediaType(upload.request);
  const { UMBRA_MAX_UNPACK_SECONDS: maxSeconds, UMBRA_MAX_UPLOAD_BYTES: bytes } = services.config;
  await receiveBody(services, upload, async (body) => {
    const folder = await makeTemporaryFolder('upload');
    const deadline = openDeadline(maxSeconds, body);
    const signal = AbortSignal.any([upload.signal, deadline.signal]);
    try {
      await readBody(upload, body, sink, { folder, signal, maxBytes: maxExpansion * bytes });
    } finally {
      deadline.clear();
      await rm(folder, { recursive: true, force: true });
    }
  });
}

/** Open a signal that is aborted after a time, with the body that it is about. */
function openDeadline(seconds: number, body: Readable) {
  const ending = new AbortController();
  const message = `Expected an upload that is received and unpacked within ${seconds} s`;
  const end = () => {
    const error = new AppError('deadline_exceeded', message);
    ending.abort(error);
    body.destroy(error);
  };
  const timer = setTimeout(end, seconds * 1_000).unref();
  return { signal: ending.signal, clear: () => clearTimeout(timer) };
}

async function readBody(
  { request }: Upload,
  body: Readable,
  sink: Sink,
  unpacking: Unpacking,
): Promise<void> {
  if (request.is('multipart/form-data')) return readForm(request, body, sink, unpacking);
  // Tars of before POSIX have no signature.
  const unsigned = request.is('application/x-tar') ? 'tar' : null;
  await receiveArchive(body, sink, { ...unpacking, unsigned });
}

async function receiveArchive(
  body: Readable,
  sink: Sink,
  { folder, unsigned, ...limits }: Unpacking & { readonly unsigned: string | null },
): Promise<void> {
  const { head, whole } = await peek(body);
  const format = formatOf(head)?.name ?? unsigned;
  switch (format) {
    case 'zip': {
      const path = join(folder, 'upload.zip');
      await pipeline(whole, createWriteStream(path));
      return unpackZip(path, sink, limits);
    }
    case 'tar':
    case 'gzip':
      return unpackTar(whole, sink, { ...limits, isCompressed: format === 'gzip' });
    default:
      throw invalidInput(
        `Expected a zip, tar or tar.gz archive, got ${format ?? 'something else'}`,
      );
  }
}

/** Read a stream's first bytes. @returns Them, and the stream with them. */
async function peek(body: Readable): Promise<{ readonly head: Buffer; readonly whole: Readable }> {
  const chunks = body[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < formatHeadBytes) {
    const { done, value } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value as Buffer]);
  }
  async function* all() {
    yield head;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { head, whole: Readable.from(all()) };
}

function assertMediaType(request: Request): void {
  const known = Object.keys(imageBodies);
  if (request.is(known)) return;
  throw new AppError(
    'unsupported_media_type',
    `Expected Content-Type ${known.join(' or ')}, got ${request.get('content-type') ?? 'none'}`,
  );
}
