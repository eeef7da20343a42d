import { type Readable, Transform } from 'node:stream';
import { AppError } from '@umbra/shared/errors';
import type { Request } from 'express';

/** Thrown by a request's body whose client disconnected before it was complete. */
export class ClientDisconnectedError extends Error {
  constructor() {
    super('The client disconnected before the body was complete');
    this.name = 'ClientDisconnectedError';
  }
}

/**
 * Limit a request's body to a size; one without a declared length is counted as it arrives.
 *
 * @param maxBytes Maximum size of the body, bytes.
 * @returns The body, which fails with `too_large`, or with a `ClientDisconnectedError`.
 * @throws {AppError} `too_large` if the declared length is above the maximum.
 */
export function limitBody(request: Request, maxBytes: number): Readable {
  const declared = request.get('content-length');
  if (declared !== undefined && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(bytes > maxBytes ? tooLarge(maxBytes) : null, chunk);
    },
  });
  request.on('error', (error) => meter.destroy(error));
  request.on('aborted', () => meter.destroy(new ClientDisconnectedError()));
  return request.pipe(meter);
}

const tooLarge = (maxBytes: number): AppError =>
  new AppError('too_large', `Expected a body of at most ${maxBytes} bytes`);
