import { invalidInput } from '@umbra/shared/errors';
import { assertKey } from './keys.js';

/** Half-open range of bytes. */
export type ByteRange = { readonly start: number; readonly end: number };

/** @throws {AppError} `invalid_input` unless a prefix is empty or whole segments ending in `/`. */
export function assertPrefix(prefix: string): void {
  if (prefix === '') return;
  if (!prefix.endsWith('/')) {
    throw invalidInput(`Expected the prefix to end in '/', got '${prefix}'`);
  }
  assertKey(prefix.slice(0, -1));
}

/** @throws {AppError} `invalid_input` unless `0 <= start < end`, both whole numbers. */
export function assertRange(range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end <= start) {
    throw invalidInput(`Expected a byte range with 0 <= start < end, got [${start}, ${end})`);
  }
}
