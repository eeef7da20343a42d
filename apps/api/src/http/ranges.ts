import type { ByteRange } from '@umbra/platform/store/arguments';
import type { Request } from 'express';
import { ProblemError } from './problems.js';

/**
 * Parse the range of a resource that a request asks for.
 *
 * @param bytes Size of the resource.
 * @param etag The resource's entity tag; a range of another version (`If-Range`) is ignored.
 * @returns Half-open range, bytes; null for the whole resource, also where several ranges are asked for.
 * @throws {AppError} `range_not_satisfiable` if the range starts after the end.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 */
export function parseRange(request: Request, bytes: number, etag: string): ByteRange | null {
  const given = request.get('range');
  const match = given === undefined ? null : /^bytes=(\d*)-(\d*)$/.exec(given);
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return null;
  const condition = request.get('if-range');
  if (condition !== undefined && condition !== etag) return null;
  const isSuffix = first === '';
  const start = isSuffix ? Math.max(0, bytes - Number(last)) : Number(first);
  const end = isSuffix || last === '' ? bytes : Math.min(bytes, Number(last) + 1);
  if (start < bytes && start < end) return { start, end };
  throw new ProblemError(
    'range_not_satisfiable',
    `Expected a range within ${bytes} bytes, got '${given}'`,
    { headers: { 'Content-Range': `bytes */${bytes}` } },
  );
}
