import { unavailable } from '@umbra/shared';
import { Router } from 'express';
import type { Context } from '../context.js';

const freshMs = 1_000;

/** `/healthz`: the process answers. `/readyz`: Redis and the store do, too. */
export function healthRoutes({ redis, store }: Context): Router {
  const router = Router();
  let checked: { at: number; result: Promise<void> } | undefined;

  const check = async () => {
    await redis.ping().catch((error: unknown) => {
      throw unavailable('The queue (Redis) cannot be reached', error);
    });
    await store.check();
  };
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    // Probes come from many sides: they share one check.
    if (checked === undefined || Date.now() - checked.at > freshMs) {
      checked = { at: Date.now(), result: check() };
    }
    await checked.result;
    response.json({ status: 'ready' });
  });
  return router;
}
