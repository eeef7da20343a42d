import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ModelUpload, modelUpload } from '@umbra/shared/contracts/model-upload';
import { AppError, invalidInput } from '@umbra/shared/errors';
import type { Request } from 'express';
import { z } from 'zod';
import { openForm, readParts } from '../http/form.js';

/** Name of the model's file in the folder; a client's own name is not used. */
export const modelFile = 'model.onnx';
export const labelsFile = 'labels.txt';

const mebibyte = 1024 ** 2;
/** Parts of the form, and how large those beside the model may be, bytes. */
const parts = {
  model: { file: modelFile, maxBytes: null },
  labels: { file: labelsFile, maxBytes: 4 * mebibyte },
  description: { file: null, maxBytes: 64 * 1024 },
} as const;
type PartName = keyof typeof parts;
const partNames = Object.keys(parts).join(', ');

/** What a form may be larger than its model, bytes. */
export const otherPartsBytes = 8 * mebibyte;

export const modelForm = z.strictObject({
  model: z.file(),
  description: modelUpload,
  labels: z.file().optional(),
});

/** @throws {AppError} `unsupported_media_type` unless a request's body is a form. */
export function assertForm(request: Request): void {
  if (request.is('multipart/form-data')) return;
  throw new AppError(
    'unsupported_media_type',
    `Expected Content-Type multipart/form-data, got ${request.get('content-type') ?? 'none'}`,
  );
}

export type ReceivedModel = { readonly claims: ModelUpload; readonly hasLabels: boolean };

/**
 * Write the files of a form into a folder as they arrive, under names of our own, and read its description. A part
 * beside the model may be sent as a file or as text.
 *
 * @param body The request's body, already limited in size.
 * @throws {AppError} `invalid_input` if the form is malformed, or a part is missing, unknown or twice there;
 *   `too_large` for a part beyond its limit.
 */
export async function receiveModel(
  request: Request,
  body: Readable,
  folder: string,
): Promise<ReceivedModel> {
  const received = new Set<PartName>();
  let description = Buffer.alloc(0);
  const limits = { fields: 2, fieldSize: parts.labels.maxBytes + 1, files: 3 };
  await readParts(body, openForm(request, { limits }), {
    async file(field, _name, stream) {
      const name = accept(field, received);
      const keep =
        name === 'description'
          ? async (chunks: AsyncIterable<Buffer>) => {
              description = await readAll(chunks);
            }
          : createWriteStream(join(folder, parts[name].file));
      await pipeline(stream, limitPart(name), keep);
    },
    async field(field, value) {
      const name = accept(field, received);
      if (name === 'model') throw invalidInput("Expected part 'model' to be a file, got text");
      const bytes = Buffer.from(value);
      if (bytes.length > parts[name].maxBytes) throw tooLarge(name, parts[name].maxBytes);
      if (name === 'description') description = bytes;
      else await writeFile(join(folder, parts[name].file), bytes);
    },
  });
  for (const name of ['model', 'description'] as const) {
    if (!received.has(name)) throw invalidInput(`Expected a part '${name}', got none`);
  }
  return { claims: parseDescription(description), hasLabels: received.has('labels') };
}

/** @throws {AppError} `invalid_input` for a part that is unknown, or was there before. */
function accept(field: string, received: Set<PartName>): PartName {
  const name = (Object.keys(parts) as PartName[]).find((one) => one === field);
  if (name === undefined) {
    throw invalidInput(`Expected parts ${partNames}, got '${field.slice(0, 64)}'`);
  }
  if (received.has(name)) throw invalidInput(`Expected one part '${name}', got several`);
  received.add(name);
  return name;
}

function limitPart(name: PartName): Transform {
  const { maxBytes } = parts[name];
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(maxBytes !== null && bytes > maxBytes ? tooLarge(name, maxBytes) : null, chunk);
    },
  });
}

const tooLarge = (name: string, maxBytes: number): AppError =>
  new AppError('too_large', `Expected part '${name}' of at most ${maxBytes} bytes`);

async function readAll(body: AsyncIterable<Buffer>): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parseDescription(bytes: Buffer): ModelUpload {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (error) {
    throw invalidInput("Expected JSON in part 'description'", error);
  }
  return modelUpload.parse(value);
}
