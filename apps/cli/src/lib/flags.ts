import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';

/** @param flag With its placeholder: `--layer LAYER`. @throws {AppError} `invalid_input` */
export function required(value: string | undefined, flag: string): string {
  if (value !== undefined) return value;
  throw invalidInput(`Expected ${flag}, got none`);
}

/** Missing or empty text is not zero: it becomes NaN, which every contract refuses. */
export const parseNumber = (text: string | undefined): number =>
  text === undefined || text.trim() === '' ? Number.NaN : Number(text);

/** `HEIGHTxWIDTH`, px; null if not given. @throws {AppError} `invalid_input` */
export function parseSize(text: string | undefined, flag = '--size'): Size | null {
  if (text === undefined) return null;
  const [, height, width] = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text) ?? [];
  if (height === undefined)
    throw invalidInput(`Expected ${flag} to be HEIGHTxWIDTH, got '${text}'`);
  return { height: Number(height), width: Number(width) };
}

/** `--out`, of a certain kind. @throws {AppError} `invalid_input` */
export function outputFile(out: string | undefined, ends: readonly string[]): string {
  if (out !== undefined && ends.some((end) => out.endsWith(end))) return out;
  throw invalidInput(`Expected --out FILE${ends.join(' or FILE')}, got ${out ?? 'none'}`);
}
