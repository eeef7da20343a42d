import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';

/** Write a file and the folders above it, and say where. */
export async function writeOutput(path: string, content: Parameters<typeof writeFile>[1]) {
  const file = resolve(path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  process.stderr.write(`${file}\n`);
}

/** `--out`, of a certain kind. @throws {AppError} `invalid_input` */
export function outputFile(out: string | undefined, ends: readonly string[]): string {
  if (out !== undefined && ends.some((end) => out.endsWith(end))) return out;
  throw invalidInput(`Expected --out FILE${ends.join(' or FILE')}, got ${out ?? 'none'}`);
}

/** `HEIGHTxWIDTH`, px; null if not given. @throws {AppError} `invalid_input` */
export function parseSize(text: string | undefined): Size | null {
  if (text === undefined) return null;
  const [, height, width] = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text) ?? [];
  if (height === undefined) throw invalidInput(`Expected --size to be HEIGHTxWIDTH, got '${text}'`);
  return { height: Number(height), width: Number(width) };
}
