import { type FigurePage, readBundle } from '@umbra/engine';
import { invalidInput } from '@umbra/shared/errors';
import type { z } from 'zod';
import { findModel } from './find-model.js';
import { describeIssues } from './flags.js';
import { writeOutput } from './output.js';
import { preparePhoto } from './photo.js';

/** A model's bundle, and a photo prepared for it. @throws {AppError} `invalid_input` */
export async function openPhoto(path: string, model: string) {
  const folder = findModel(model);
  const { bundle } = await readBundle(folder);
  return { folder, bundle, ...(await preparePhoto(path, bundle)) };
}

/** @throws {AppError} `invalid_input` naming each bad flag and what was expected. */
export function parseView<T extends z.ZodType>(schema: T, flags: object): z.output<T> {
  const given = Object.fromEntries(
    Object.entries(flags).filter(([, value]) => value !== undefined),
  );
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw invalidInput(describeIssues(parsed.error.issues, Object.keys(given)));
}

/** Write one page of a figure, and print how many there are. */
export async function writePage(out: string, { png, page, pages }: FigurePage): Promise<void> {
  await writeOutput(out, png);
  if (pages > 1) process.stderr.write(`Page ${page} of ${pages}: --page N draws another\n`);
}
