import type { Readable } from 'node:stream';
import { assertName } from '@umbra/datasets';
import { AppError, hasCode, invalidInput } from '@umbra/shared/errors';
import type { Request } from 'express';
import { feedForm, fileNameOf, openForm } from '../http/form.js';
import { limitBody, type Receiving } from '../http/limit-body.js';

/** One image, and the fields that came with it. */
export type ImageForm = {
  readonly image: Buffer;
  readonly name: string;
  readonly fields: Readonly<Record<string, string>>;
};

const isImage = (request: Request): boolean =>
  Boolean(request.is(['image/*', 'application/octet-stream']));

/**
 * Read a request whose body is an image, or a form with one.
 *
 * @throws {AppError} `too_large`; `unsupported_media_type`; `invalid_input` for a form that is malformed
 *   or has not exactly one image.
 */
export async function receiveImage(request: Request, receiving: Receiving): Promise<ImageForm> {
  const { maxBytes } = receiving;
  if (isImage(request)) {
    const body = limitBody(request, receiving);
    return { image: await readAll(body, maxBytes), name: 'image', fields: {} };
  }
  if (request.is('multipart/form-data')) {
    const body = limitBody(request, { ...receiving, maxBytes: maxBytes + formBytes });
    return readForm(request, body, maxBytes);
  }
  throw new AppError(
    'unsupported_media_type',
    `Expected Content-Type image/*, application/octet-stream or multipart/form-data, got ${request.get('content-type') ?? 'none'}`,
  );
}

/** Size of a form's other parts: ten fields and what stands between them, bytes. */
const formBytes = 1024 * 1024;

async function readForm(request: Request, body: Readable, limit: number): Promise<ImageForm> {
  const limits = { fields: 10, fieldSize: 64 * 1024, files: 2 };
  const form = openForm(request, { limits });
  const fields: Record<string, string> = {};
  const files: { readonly name: string; readonly image: Promise<Buffer> }[] = [];
  form.on('field', (name, value) => {
    fields[name] = value;
  });
  form.on('file', (_field, stream, filename: string | undefined) => {
    if (files.length > 0) return void stream.resume();
    const image = readAll(stream, limit);
    // Awaited below; a form that breaks off must not leave an unhandled rejection.
    image.catch(() => undefined);
    files.push({ name: fileNameOf(filename), image });
  });
  let count = 0;
  form.on('file', () => {
    count += 1;
  });
  try {
    await feedForm(body, form);
  } catch (error) {
    if (hasCode(error)) throw error;
    throw invalidInput('Expected a complete multipart form', error);
  }
  const [file] = files;
  if (file === undefined || count > 1) {
    throw invalidInput(`Expected one image in the form, got ${count}`);
  }
  return { image: await file.image, name: nameOf(file.name), fields };
}

/** The file's name without folders; `image` where there is none. @throws {AppError} `invalid_input` */
function nameOf(given: string): string {
  const name = given.replace(/^.*[\\/]/s, '') || 'image';
  assertName(name);
  return name;
}

/** Read a body into memory. @throws {AppError} `too_large` after the rest was read and discarded. */
async function readAll(body: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += (chunk as Buffer).length;
    if (length <= limit) chunks.push(chunk as Buffer);
    else chunks.length = 0;
  }
  if (length > limit) {
    throw new AppError('too_large', `Expected an image of at most ${limit} bytes, got ${length}`);
  }
  return Buffer.concat(chunks);
}
