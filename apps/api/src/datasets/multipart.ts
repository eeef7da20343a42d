import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Sink, type UnpackLimits, unpackTar, unpackZip } from '@umbra/datasets';
import { invalidInput } from '@umbra/shared/errors';
import type { Request } from 'express';
import { openForm, readParts } from '../http/form.js';

/** Folder for archives among the files, and the limits of their contents. */
export type Unpacking = UnpackLimits & { readonly folder: string };

/**
 * Pass the files of a form to a sink as they arrive, one at a time; archives among them are unpacked.
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
  await readParts(body, openForm(request, { preservePath: true, limits }), {
    file: (_field, name, stream) => readFile(name, stream, sink, unpacking),
    field(name) {
      // As from curl without its @, which sends the name of a file in place of the file.
      throw invalidInput(`Expected files alone, got text in field '${name.slice(0, 64)}'`);
    },
  });
}

async function readFile(
  name: string,
  stream: Readable,
  sink: Sink,
  { folder, ...limits }: Unpacking,
): Promise<void> {
  const lower = name.toLowerCase();
  if (/\.(tar|tgz|tar\.gz)$/.test(lower)) {
    return unpackTar(stream, sink, { ...limits, isCompressed: !lower.endsWith('.tar') });
  }
  if (/\.(7z|rar|bz2|tbz2?|xz|txz|zst)$/.test(lower)) {
    // An archive is not a photo that is too large, or broken.
    stream.resume();
    return sink.refuse(name, invalidInput('Expected images, or a zip, tar or tar.gz of them'));
  }
  if (!lower.endsWith('.zip')) return sink.add(name, () => stream);
  const path = join(folder, 'upload.zip');
  await pipeline(stream, createWriteStream(path));
  await unpackZip(path, sink, limits);
  await rm(path);
}
