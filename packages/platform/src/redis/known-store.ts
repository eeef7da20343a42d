import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { reportError, unavailable } from '@umbra/shared/errors';
import { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';
import type { Logger } from '../telemetry/logger.js';

/** The id of the `fs` store that this Redis serves. An operator who means another deletes it. */
const key = `${redisPrefix}:store`;
/** How long a connection that is being opened, and an answer, are waited for. */
const answerMs = 1_500;
/** How often Redis is told again: it may have been emptied. */
const noteEveryMs = 10_000;

/** What Redis knows of the store: it tells a store from another, and a new one from a volume that is away. */
export type KnownStore = {
  /**
   * Have Redis remember a store, now and from time to time. While Redis cannot be asked, what it said
   * last holds; once it has agreed, it is only told again.
   *
   * @throws {AppError} `unavailable` if Redis knows another.
   */
  admit(id: string): Promise<void>;
  /** @throws {AppError} `unavailable` if Redis knows a store, or cannot be asked. */
  permitNew(): Promise<void>;
};

export function createKnownStore(redis: Redis, logger: Logger, everyMs = noteEveryMs): KnownStore {
  /** What Redis said last. */
  let known: string | null = null;
  let seen: string | undefined;
  let agreed: string | undefined;
  const note = async (id: string): Promise<void> => {
    const found = await readKnown(redis);
    if (found === null) await redis.setnx(key, id);
    // Of processes that come at once, the first is right.
    known = found ?? (await redis.get(key));
    if (known === id) agreed = id;
  };
  const noteSafely = (id: string): Promise<void> =>
    inTime(note(id)).catch((error: unknown) => {
      logger.warn({ error: reportError(error) }, 'store not noted');
    });
  const repeat = async (): Promise<void> => {
    if (seen === undefined || redis.status !== 'ready') return;
    await noteSafely(seen);
    if (known !== seen) logger.error({ known, seen }, 'store is not the one that Redis knows');
  };
  const timer = setInterval(() => void repeat(), everyMs).unref();
  redis.on('ready', () => void repeat());
  redis.once('end', () => clearInterval(timer));
  return {
    async admit(id) {
      if (agreed === id) return;
      if (seen === undefined || redis.status === 'ready') await noteSafely(id);
      assertKnown(known, id);
      seen = id;
    },
    async permitNew() {
      const found = await inTime(readKnown(redis)).catch((error: unknown) => {
        throw unavailable(
          "Expected 'umbra-store.json' in the store's folder, got none, and Redis cannot be asked whether there was a store",
          error,
        );
      });
      assertUnknown(found);
    },
  };
}

/**
 * What a command knows by a Redis that it may not reach: it is asked once, and told nothing.
 *
 * @param redisUrl Where Redis is, if it is there.
 */
export function consultKnownStore(redisUrl: string): KnownStore {
  let answer: Promise<string | null> | undefined;
  const ask = () => {
    answer ??= askOnce(redisUrl).catch(() => null);
    return answer;
  };
  return {
    admit: async (id) => assertKnown(await ask(), id),
    permitNew: async () => assertUnknown(await ask()),
  };
}

async function askOnce(redisUrl: string): Promise<string | null> {
  const redis = new Redis(redisUrl, {
    connectTimeout: answerMs,
    commandTimeout: answerMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined);
  try {
    return await readKnown(redis);
  } finally {
    redis.disconnect();
  }
}

/** A connection may retry without an end. */
const inTime = <T>(answer: Promise<T>): Promise<T> =>
  Promise.race([
    answer,
    sleep(answerMs, undefined, { ref: false }).then(() => {
      throw unavailable('Redis did not answer in time');
    }),
  ]);

/** @returns The id of the store that Redis knows; null if it knows none. */
async function readKnown(redis: Redis): Promise<string | null> {
  const signal = AbortSignal.timeout(answerMs);
  if (redis.status !== 'ready') await once(redis, 'ready', { signal });
  return redis.get(key);
}

// Those that run would tell Redis of theirs again.
const toMeanIt = `stop every process and delete the key '${key}' of Redis (docs/operations/data.md)`;

function assertKnown(known: string | null, id: string): void {
  if (known === null || known === id) return;
  throw unavailable(
    `Expected 'umbra-store.json' of store ${known} in the store's folder, as Redis knows it, got that of ${id}: is its volume mounted? If ${id} is meant, ${toMeanIt}`,
  );
}

function assertUnknown(known: string | null): void {
  if (known === null) return;
  throw unavailable(
    `Expected 'umbra-store.json' of store ${known} in the store's folder, got none: is its volume mounted? For a new store, ${toMeanIt}`,
  );
}
