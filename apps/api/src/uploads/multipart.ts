import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError, invalidInput } from '@umbra/shared';
import busboy from 'busboy';
import type { Request } from 'express';
import type { Collector } from './collector.js';
import { collectZip } from './zip.js';

/**
 * Give the files of a form to the collector as they arrive, one at a time; a zip among them is
 * spooled to `folder` and unpacked.
 *
 * @param body The request's body, already limited in size.
 * @throws {AppError} `invalid_input` if the form is malformed or ends early.
 */
export async function collectMultipart(
  request: Request,
  body: Readable,
  collector: Collector,
  folder: string,
): Promise<void> {
  const form = openForm(request);
  // Files are handled in turn: the form waits, since a file's stream is not read before its turn.
  let turn = Promise.resolve();
  let failure: unknown;
  form.on('file', (_field, stream, { filename }) => {
    const name = filename ?? '';
    turn = turn
      .then(() =>
        failure === undefined ? collectFile(name, stream, collector, folder) : undefined,
      )
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => stream.resume());
    // An error of the form reaches each open file, too; it is heard once, below.
    stream.on('error', () => undefined);
  });
  try {
    await pipeline(body, form);
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

async function collectFile(
  name: string,
  stream: Readable,
  collector: Collector,
  folder: string,
): Promise<void> {
  if (!name.toLowerCase().endsWith('.zip')) return collector.add(name, stream);
  const path = join(folder, 'upload.zip');
  await pipeline(stream, createWriteStream(path));
  await collectZip(path, collector);
  await rm(path);
}

function openForm(request: Request): busboy.Busboy {
  try {
    return busboy({
      headers: request.headers,
      preservePath: true,
      defParamCharset: 'utf8',
      limits: { fields: 100, fieldSize: 64 * 1024 },
    });
  } catch (error) {
    throw invalidInput('Expected a multipart form with a boundary', error);
  }
}
