import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Sink, unpackTar, unpackZip } from '@umbra/datasets';
import { AppError, invalidInput } from '@umbra/shared/errors';
import type { Request } from 'express';
import { feedForm, openForm } from '../http/form.js';

/** Where archives among the files go, and what they may hold. */
export type Unpacking = { readonly folder: string; readonly maxBytes: number };

/**
 * Give the files of a form to a sink as they arrive, one at a time; archives among them are unpacked.
 *
 * @param body The request's body, already limited in size.
 * @throws {AppError} `invalid_input` if the form is malformed or ends early.
 */
export async function readForm(
  request: Request,
  body: Readable,
  sink: Sink,
  unpacking: Unpacking,
): Promise<void> {
  const limits = { fields: 100, fieldSize: 64 * 1024 };
  const form = openForm(request, { preservePath: true, limits });
  // Files are handled in turn: the form waits, since a file's stream is not read before its turn.
  let turn = Promise.resolve();
  let failure: unknown;
  form.on('file', (_field, stream, filename: string | undefined) => {
    const name = filename ?? '';
    turn = turn
      .then(() => (failure === undefined ? readFile(name, stream, sink, unpacking) : undefined))
      .catch((error: unknown) => {
        // A file breaks off with its form, which says so itself.
        if (form.errored === null) failure ??= error;
        // The rest would be read only to be thrown away, and a form waits for each of its files.
        form.destroy();
      })
      .finally(() => stream.resume());
  });
  form.on('field', (field: string | undefined) => {
    // As of a curl whose @ was forgotten: the name of a file is not the file.
    const name = (field ?? '').slice(0, 64);
    failure ??= invalidInput(`Expected files alone, got text in field '${name}'`);
  });
  try {
    await feedForm(body, form);
  } catch (error) {
    await turn;
    if (failure !== undefined) throw failure;
    throw error instanceof AppError
      ? error
      : invalidInput('Expected a complete multipart form', error);
  }
  await turn;
  if (failure !== undefined) throw failure;
}

async function readFile(
  name: string,
  stream: Readable,
  sink: Sink,
  { folder, maxBytes }: Unpacking,
): Promise<void> {
  const lower = name.toLowerCase();
  if (/\.(tar|tgz|tar\.gz)$/.test(lower)) {
    return unpackTar(stream, sink, { isCompressed: !lower.endsWith('.tar'), maxBytes });
  }
  if (!lower.endsWith('.zip')) return sink.add(name, () => stream);
  const path = join(folder, 'upload.zip');
  await pipeline(stream, createWriteStream(path));
  await unpackZip(path, sink, { maxBytes });
  await rm(path);
}
