import { readFile } from 'node:fs/promises';
import { inspectImage, prepareImage } from '@umbra/engine';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';

/** Largest photo that is decoded, px. */
export const maxPixels = 100_000_000;

/** @throws {AppError} `invalid_input` if the file cannot be read. */
export function readPhoto(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw invalidInput(`Expected a readable file at '${path}'`, error);
  });
}

/** A photo's file, and the model's input made of it. @throws {AppError} `invalid_input` */
export async function preparePhoto(path: string, bundle: ModelBundle) {
  const photo = await readPhoto(path);
  await inspectImage(photo, { maxPixels });
  return { photo, image: await prepareImage(photo, bundle.input, { maxPixels }) };
}
