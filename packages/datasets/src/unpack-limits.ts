import { AppError } from '@umbra/shared/errors';
import { maxEntries } from './sink.js';

export type UnpackLimits = {
  /** Aborted when the files are no longer wanted. */
  readonly signal: AbortSignal;
  /** Limit for the content of all entries together, bytes. */
  readonly maxBytes: number;
  readonly maxEntries?: number;
};

/** Maximum size of an archive's content, as a multiple of an upload's limit. */
export const maxExpansion = 8;

/** What any archive may hold, however small it is, bytes. */
const floorBytes = 64 * 1024 * 1024;
/** Photos hardly compress: an archive that expands further holds none. */
const maxRatio = 100;

/**
 * Refuse an archive whose content is beyond its limits.
 *
 * @param bytes Content so far.
 * @param packedBytes Bytes of the archive that it came from.
 * @throws {AppError} `too_large`
 */
export function assertExpansion(
  bytes: number,
  packedBytes: number,
  { maxBytes }: UnpackLimits,
): void {
  const most = Math.min(maxBytes, Math.max(floorBytes, maxRatio * packedBytes));
  if (bytes <= most) return;
  throw new AppError('too_large', `Expected at most ${most} bytes of files in this archive`);
}

/** @throws {AppError} `too_large` */
export function assertEntries(entries: number, limits: UnpackLimits): void {
  const most = limits.maxEntries ?? maxEntries;
  if (entries > most) throw new AppError('too_large', `Expected at most ${most} entries`);
}
