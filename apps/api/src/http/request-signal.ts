import { AppError } from '@umbra/shared/errors';
import type { Request, Response } from 'express';

/** Reason of a request's signal whose client disconnected before the answer was complete. */
export class ClientDisconnectedError extends Error {
  constructor() {
    super('The client disconnected before the answer was complete');
    this.name = 'ClientDisconnectedError';
  }
}

/** How fast a request's body must arrive. */
export type BodyPace = {
  /** Limit for the time without a byte, ms. Rates are measured over as long. */
  readonly idleMs: number;
  readonly minBytesPerSecond: number;
};

/** Time that the answer to a slow body has before its connection is closed, ms. */
const answerMs = 1_000;
/** Checks of a body's pace in each idle limit. */
const checks = 10;

/**
 * Open a request's signal, which everything that works for its client heeds. It is to be opened before
 * anything is awaited: a connection that closes tells so once.
 *
 * @returns A signal that is aborted once the client disconnects (`ClientDisconnectedError`), or once its
 *   body is too slow (`request_timeout`).
 */
export function openSignal(request: Request, response: Response, pace: BodyPace): AbortSignal {
  const ending = new AbortController();
  const abandon = () => {
    if (!response.writableFinished) ending.abort(new ClientDisconnectedError());
  };
  response.once('close', abandon);
  if (response.closed) abandon();
  if (!isEmpty(request)) {
    watchBody(request, response, pace, (error) => {
      ending.abort(error);
      // Who reads the body may not heed the signal.
      setTimeout(() => response.writableFinished || request.socket.destroy(), answerMs).unref();
    });
  }
  return ending.signal;
}

/** True for a request without a body. */
export const isEmpty = (request: Request): boolean =>
  request.get('transfer-encoding') === undefined &&
  Number(request.get('content-length') ?? 0) === 0;

/** Measure how fast a body arrives, while there is room for more of it. */
function watchBody(
  request: Request,
  response: Response,
  { idleMs, minBytesPerSecond }: BodyPace,
  onSlow: (error: AppError) => void,
): void {
  const { socket } = request;
  const tickMs = idleMs / checks;
  let seen = socket.bytesRead;
  let quiet = 0;
  let ticks = 0;
  let bytes = 0;
  const timer = setInterval(() => {
    const arrived = socket.bytesRead - seen;
    seen += arrived;
    if (request.complete) return clearInterval(timer);
    const isFull = request.readableLength >= request.readableHighWaterMark;
    quiet = arrived > 0 || isFull ? 0 : quiet + 1;
    // A body that waits for this service is not slow.
    ticks = isFull ? 0 : ticks + 1;
    bytes = isFull ? 0 : bytes + arrived;
    const isSlow = ticks >= checks && bytes < (minBytesPerSecond * idleMs) / 1_000;
    if (quiet >= checks || isSlow) {
      clearInterval(timer);
      onSlow(tooSlow({ idleMs, minBytesPerSecond }));
    }
    if (ticks >= checks) ticks = bytes = 0;
  }, tickMs).unref();
  response.once('close', () => clearInterval(timer));
}

const tooSlow = ({ idleMs, minBytesPerSecond }: BodyPace): AppError =>
  new AppError(
    'request_timeout',
    `Expected a body of at least ${minBytesPerSecond} bytes a second, and some within ${idleMs / 1_000} s`,
  );
