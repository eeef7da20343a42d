import { once } from 'node:events';
import { reportError, unavailable } from '@umbra/shared/errors';
import type { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';
import type { Logger } from '../telemetry/logger.js';

/** The id of the `fs` store that this Redis serves. An operator who means a new store deletes it. */
const key = `${redisPrefix}:store`;
/** How long a connection that is being opened is waited for. */
const readyMs = 1_500;

/** What Redis knows of the store: it tells a new store from a volume that is away. */
export type KnownStore = {
  /** Have Redis remember the store, now and whenever it is connected again. */
  remember(id: string): void;
  /** @throws {AppError} `unavailable` if Redis remembers a store, or cannot be asked. */
  assertNone(): Promise<void>;
};

export function createKnownStore(redis: Redis, logger: Logger): KnownStore {
  let seen: string | undefined;
  const note = async (): Promise<void> => {
    if (seen === undefined || redis.status !== 'ready') return;
    await redis.setnx(key, seen);
    const known = await redis.get(key);
    if (known !== seen) logger.error({ known, seen }, 'store is not the one that Redis knows');
  };
  const noteSafely = () =>
    void note().catch((error: unknown) => {
      logger.warn({ error: reportError(error) }, 'store not noted');
    });
  redis.on('ready', noteSafely);
  return {
    remember(id) {
      seen = id;
      noteSafely();
    },
    async assertNone() {
      const known = await read(redis).catch((error: unknown) => {
        throw unavailable(
          "Expected 'umbra-store.json' in the store's folder, got none, and Redis cannot be asked whether there was a store",
          error,
        );
      });
      if (known === null) return;
      throw unavailable(
        `Expected 'umbra-store.json' of store ${known} in the store's folder, got none: is its volume mounted? For a new store, delete the key '${key}' of Redis`,
      );
    },
  };
}

async function read(redis: Redis): Promise<string | null> {
  if (redis.status !== 'ready') {
    await once(redis, 'ready', { signal: AbortSignal.timeout(readyMs) });
  }
  return redis.get(key);
}
