import { type Readable, Transform } from 'node:stream';
import { AppError } from '@umbra/shared/errors';
import type { Request } from 'express';

/** How a request's body is received. */
export type Receiving = {
  /** The request's: its reason becomes the body's error. */
  readonly signal: AbortSignal;
  /** Maximum size, bytes. */
  readonly maxBytes: number;
  /** Called for each chunk. */
  readonly onBytes?: () => void;
};

/**
 * Limit a request's body to a size; one without a declared length is counted as it arrives.
 *
 * @returns The body, which fails with `too_large`, or with the signal's reason.
 * @throws {AppError} `too_large` if the declared length is above the maximum.
 * @throws The signal's reason.
 */
export function limitBody(request: Request, { signal, maxBytes, onBytes }: Receiving): Readable {
  signal.throwIfAborted();
  const declared = request.get('content-length');
  if (declared !== undefined && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onBytes?.();
      done(bytes > maxBytes ? tooLarge(maxBytes) : null, chunk);
    },
  });
  const fail = () => meter.destroy(signal.reason);
  signal.addEventListener('abort', fail, { once: true });
  meter.once('close', () => signal.removeEventListener('abort', fail));
  // The signal tells why.
  request.on('error', () => undefined);
  return request.pipe(meter);
}

const tooLarge = (maxBytes: number): AppError =>
  new AppError('too_large', `Expected a body of at most ${maxBytes} bytes`);
