import { setTimeout as sleep } from 'node:timers/promises';
import { reportError, unavailable } from '@umbra/shared/errors';
import type { Logger } from '../telemetry/logger.js';
import type { ObjectStore } from './store.js';

/** How long a process that makes no store waits for one at its start, and how often it looks. */
const waitMs = { total: 60_000, every: 500 };

/** For processes that may not make a store: a volume that is away would be taken for an empty one. */
export async function refuseNewStore(): Promise<void> {
  throw unavailable(
    "Expected 'umbra-store.json' in the store's folder, got none: is its volume mounted? The API makes it at its first start",
  );
}

/** Wait for a folder that is to be a store. @throws {AppError} `unavailable` */
export async function untilThere(
  store: Pick<ObjectStore, 'kind' | 'check'>,
  logger: Logger,
  wait = waitMs,
): Promise<void> {
  const deadline = performance.now() + wait.total;
  for (let isTold = false; ; isTold = true) {
    try {
      return await store.check();
    } catch (error) {
      if (store.kind !== 'fs' || performance.now() > deadline) throw error;
      if (!isTold) logger.warn({ error: reportError(error) }, 'store is waited for');
      await sleep(wait.every);
    }
  }
}
