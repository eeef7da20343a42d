import { queueNames } from '@umbra/platform/queues/names';
import { AppError, hasCode } from '@umbra/shared/errors';
import type { Queue } from 'bullmq';
import type { Request, RequestHandler } from 'express';
import type { Identifier } from '../auth/identify.js';
import { type Identity, isOperator } from '../http/identity.js';

export const boardPath = '/admin/queues';

export type Board = { readonly handle: RequestHandler; close(): Promise<void> };

export type BoardOptions = {
  readonly openQueue: (name: string) => Queue;
  readonly identify: Identifier;
};

/** Content Security Policy: the page requests a font from another host, which browsers then do not load. */
const policy = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Open bull-board, read-only: the queues of all tenants and their jobs' data.
 *
 * Its libraries are imported here, so that only an API with the dashboard loads them.
 */
export async function openBoard({ openQueue, identify }: BoardOptions): Promise<Board> {
  const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/express'),
  ]);
  const queues = Object.values(queueNames).map(openQueue);
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath(boardPath);
  createBullBoard({ queues: queues.map(adapt), serverAdapter });
  const board = serverAdapter.getRouter();
  board.disable('x-powered-by');
  const admit = admitOperators(identify);
  function adapt(queue: Queue) {
    const adapter = new BullMQAdapter(queue, { readOnlyMode: true });
    // A shard returns every score, in base64.
    adapter.setFormatter('returnValue', (value) => (value === null ? null : '(not shown)'));
    return adapter;
  }
  return {
    handle(request, response, next) {
      admit(request, response, (error?: unknown) => {
        if (error !== undefined) return next(error);
        response.set('Content-Security-Policy', policy);
        response.set('Cache-Control', 'no-store');
        board(request, response, next);
      });
    },
    async close() {
      await Promise.allSettled(queues.map((queue) => queue.close()));
    },
  };
}

/**
 * Admits operators alone, since the dashboard shows all tenants: keys of the tenant `default` with the scope
 * `admin`, and their sessions, whether or not the rest of the API needs keys.
 */
function admitOperators(identify: Identifier): RequestHandler {
  return async (request, response, next) => {
    try {
      if (!isOperator(await identifyOperator(identify, request))) {
        throw new AppError('forbidden', "Expected an admin key of the tenant 'default'");
      }
      next();
    } catch (error) {
      if (!hasCode(error, 'unauthorized')) return next(error);
      // Browsers then prompt for a password, which is the key.
      response.set('WWW-Authenticate', 'Basic realm="Umbra queues", charset="UTF-8"');
      next(new AppError('unauthorized', error.message));
    }
  };
}

/** As the API does, or by the password of Basic authentication, which browsers prompt for. */
async function identifyOperator(identify: Identifier, request: Request): Promise<Identity> {
  const [scheme, value = ''] = request.get('authorization')?.split(' ') ?? [];
  if (scheme?.toLowerCase() !== 'basic') return identify.request(request);
  const text = Buffer.from(value, 'base64').toString();
  return identify.key(request, text.slice(text.indexOf(':') + 1));
}
