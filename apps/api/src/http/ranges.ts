import type { Request } from 'express';
import { ProblemError } from './problems.js';

/** Half-open, bytes. */
export type ByteRange = { readonly start: number; readonly end: number };

/**
 * The part of a resource that a request asks for.
 *
 * @param etag Of the resource as it is: a range of another version is answered with the whole.
 * @returns null for the whole resource, also where several ranges are asked for.
 * @throws {AppError} `range_not_satisfiable` if it begins after the end.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 */
export function rangeOf(request: Request, bytes: number, etag: string): ByteRange | null {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.get('range') ?? '') ?? [];
  if (first === '' && last === '') return null;
  const condition = request.get('if-range');
  if (condition !== undefined && condition !== etag) return null;
  const isSuffix = first === '';
  const start = isSuffix ? Math.max(0, bytes - Number(last)) : Number(first);
  const end = isSuffix || last === '' ? bytes : Math.min(bytes, Number(last) + 1);
  if (start < bytes && start < end) return { start, end };
  throw new ProblemError(
    'range_not_satisfiable',
    `Expected a range within ${bytes} bytes, got '${request.get('range')}'`,
    { headers: { 'Content-Range': `bytes */${bytes}` } },
  );
}
