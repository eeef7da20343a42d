import { unavailable } from '@umbra/shared/errors';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import type { ApiServices } from '../services.js';

const freshMs = 1_000;

const status = (word: string) => ({
  200: {
    description: 'Yes',
    content: { 'application/json': z.strictObject({ status: z.literal(word) }) },
  },
});

export const healthOperations = {
  live: operation({
    id: 'getHealth',
    method: 'get',
    path: '/healthz',
    tag: 'service',
    scope: null,
    summary: 'Check that this process answers',
    answers: status('ok'),
  }),
  ready: operation({
    id: 'getReadiness',
    method: 'get',
    path: '/readyz',
    tag: 'service',
    scope: null,
    summary: 'Check that Redis and the store answer, too, and that what requests share moves',
    answers: status('ready'),
  }),
};

/** Routes of the liveness and readiness probes. */
export function healthRoutes({
  redis,
  store,
  turns,
  config,
}: Pick<ApiServices, 'redis' | 'store' | 'turns' | 'config'>): Route[] {
  let checked: { at: number; result: Promise<void> } | undefined;

  const check = async () => {
    const stalled = Object.values(turns).find((one) => one.stalledMs() > config.UMBRA_STALLED_MS);
    if (stalled !== undefined) {
      throw unavailable(`Requests wait for ${stalled.name}, and none of them moves`);
    }
    await redis.ping().catch((error: unknown) => {
      throw unavailable('The queue (Redis) cannot be reached', error);
    });
    await store.check();
  };
  return [
    route(healthOperations.live, ({ response }) => {
      response.json({ status: 'ok' });
    }),
    route(healthOperations.ready, async ({ response }) => {
      // Probes come from many sides and share one check.
      if (checked === undefined || Date.now() - checked.at > freshMs) {
        checked = { at: Date.now(), result: check() };
      }
      await checked.result;
      response.json({ status: 'ready' });
    }),
  ];
}
