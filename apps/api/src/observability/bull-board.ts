import { queueNames } from '@umbra/platform/queues/names';
import { defaultTenant } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createKeyVerifier } from '@umbra/platform/tenancy/verify-key';
import { AppError, hasCode } from '@umbra/shared/errors';
import type { Queue } from 'bullmq';
import type { Request, RequestHandler } from 'express';
import { type GuardedVerifier, limitGuesses } from '../auth/limit-guesses.js';

export const boardPath = '/admin/queues';

export type Board = { readonly handle: RequestHandler; close(): Promise<void> };

export type BoardOptions = {
  readonly store: ObjectStore;
  readonly openQueue: (name: string) => Queue;
  readonly badKeysPerMinute: number;
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
export async function openBoard({
  store,
  openQueue,
  badKeysPerMinute,
}: BoardOptions): Promise<Board> {
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
  const admit = admitOperators(limitGuesses(createKeyVerifier(store), badKeysPerMinute));
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
 * `admin`, whether or not the rest of the API needs keys.
 */
function admitOperators(verify: GuardedVerifier): RequestHandler {
  return async (request, response, next) => {
    try {
      const { tenant, scopes } = await verify(request, keyOf(request));
      if (tenant !== defaultTenant || !scopes.includes('admin')) {
        throw new AppError('forbidden', "Expected an admin key of the tenant 'default'");
      }
      next();
    } catch (error) {
      // Browsers then prompt for a password, which is the key.
      if (hasCode(error, 'unauthorized')) {
        response.set('WWW-Authenticate', 'Basic realm="Umbra queues", charset="UTF-8"');
      }
      next(error);
    }
  };
}

/** Read the API key: a bearer token, or the password of Basic authentication, which browsers prompt for. */
function keyOf(request: Request): string {
  const [scheme, value = ''] = request.get('authorization')?.split(' ') ?? [];
  if (scheme?.toLowerCase() === 'bearer') return value;
  if (scheme?.toLowerCase() === 'basic') {
    const text = Buffer.from(value, 'base64').toString();
    return text.slice(text.indexOf(':') + 1);
  }
  throw new AppError('unauthorized', 'Expected an API key, as a bearer or as a password');
}
