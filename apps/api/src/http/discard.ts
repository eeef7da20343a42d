import type { Request } from 'express';

const maxBytes = 64 * 1024 * 1024;
const maxMs = 10_000;

/**
 * Throw away what a refused request still sends, so that its sender reads the answer: most do only after
 * they have written all. One that sends very much, or slowly, is cut off.
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
