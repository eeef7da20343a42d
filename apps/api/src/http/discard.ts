import type { Request } from 'express';

const maxBytes = 64 * 1024 * 1024;
const maxMs = 10_000;

/**
 * Discard the rest of a refused request's body: most clients read the answer only after they have written
 * everything. A connection that sends more than the maximum, or for longer, is closed.
 */
export function discardRest(request: Request): void {
  let bytes = 0;
  const { socket } = request;
  const deadline = setTimeout(() => socket.destroy(), maxMs).unref();
  request.once('close', () => clearTimeout(deadline));
  request.unpipe();
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) socket.destroy();
  });
  request.resume();
}
