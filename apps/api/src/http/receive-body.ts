import type { Readable } from 'node:stream';
import type { Request } from 'express';
import type { ApiServices } from '../services.js';
import { limitBody } from './limit-body.js';
import type { Caller } from './operation.js';

/** A request whose body is received, for as long as its client waits. */
export type Upload = Caller & {
  readonly request: Request;
  /** Limit for the body, bytes; that of uploads of images when left out. */
  readonly maxBytes?: number;
  /** Called for each chunk. */
  readonly onBytes?: () => void;
};

/**
 * Read a request's body in a turn, since each needs memory and disk. A request that waits is not read, which
 * holds its client back.
 *
 * @throws {AppError} `too_large`; `unavailable` where too many uploads wait. What `read` throws.
 */
export async function receiveBody<T>(
  { config, turns }: Pick<ApiServices, 'config' | 'turns'>,
  { request, signal, tenant, maxBytes = config.UMBRA_MAX_UPLOAD_BYTES, onBytes }: Upload,
  read: (body: Readable) => Promise<T>,
): Promise<T> {
  return turns.uploads.run({ tenant, signal }, async () => {
    const body = limitBody(request, {
      signal,
      maxBytes,
      onBytes() {
        turns.uploads.moved();
        onBytes?.();
      },
    });
    return read(body).finally(() => body.destroy());
  });
}
