import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { z } from 'zod';

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

/** `rowsPerShard` as it is typed: `--rows-per-shard`. */
export const flagOf = (field: string): string =>
  `--${field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * What a contract refuses, in the words of the command line: each flag with what was expected of it.
 *
 * @param fields Names of the contract's fields, where messages speak of them.
 */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  fields: readonly string[] = [],
  flagAt = (path: readonly string[]): string => flagOf(path[0] ?? ''),
): string {
  // A field of one word, such as `patch`, is a word of its message.
  const spelt = fields.filter((field) => /[A-Z]/.test(field));
  const lines = issues.map(({ path, message }) => {
    const flag = flagAt(path.map(String));
    const words = message
      .replace(/^Invalid input: expected (\w+), received NaN$/, 'Expected a $1')
      .replace(/^Invalid input: expected/, 'Expected')
      .replace(/^Invalid option: expected/, 'Expected')
      .replace(', received', ', got');
    return `${flag}: ${spelt.reduce((text, field) => text.replaceAll(field, flagOf(field)), words)}`;
  });
  return lines.join('\n');
}
