import { createHash } from 'node:crypto';
import { redisPrefix } from '@umbra/platform/queues/queues';
import { getJson, putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import {
  idempotencyRecord,
  type JobRecord,
  type JobRequest,
  storedJob,
} from '@umbra/shared/contracts/job';
import { AppError, hasCode, invalidInput } from '@umbra/shared/errors';
import { newJobId } from '@umbra/shared/ids';
import type { Request } from 'express';
import { z } from 'zod';
import type { ApiServices } from '../services.js';

const maxKeyLength = 255;
export const idempotencyKey = z
  .string()
  .max(maxKeyLength)
  .regex(/^[\x21-\x7e]+$/);
/** A request that takes longer than this has died. */
const lockSeconds = 60;

/** @throws {AppError} `invalid_input` */
export function idempotencyKeyOf(request: Request): string | null {
  const key = request.get('idempotency-key');
  if (key === undefined) return null;
  if (idempotencyKey.safeParse(key).success) return key;
  throw invalidInput(
    `Expected Idempotency-Key to be 1 to ${maxKeyLength} visible ASCII characters`,
  );
}

/**
 * Create a job once for a key: who asks again gets the first one.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 * @throws {AppError} `conflict` while the first request runs; `unprocessable` if the key was used for
 *   another request.
 */
export async function onceForKey(
  { store, redis }: ApiServices,
  tenant: string,
  key: string | null,
  asked: JobRequest,
  create: (id: string) => Promise<JobRecord>,
): Promise<{ readonly job: JobRecord; readonly replayed: boolean }> {
  if (key === null) return { job: await create(newJobId()), replayed: false };
  const place = keys.idempotency(tenant, sha256Of(key));
  const request = sha256Of(JSON.stringify(asked));
  const lock = `${redisPrefix}:idempotency:${tenant}:${sha256Of(key)}`;
  if ((await redis.set(lock, 1, 'EX', lockSeconds, 'NX')) === null) {
    throw new AppError('conflict', 'A request with this Idempotency-Key is being processed');
  }
  try {
    const known = await orNull(getJson(store, place, idempotencyRecord));
    if (known !== null && known.request !== request) {
      throw new AppError('unprocessable', 'This Idempotency-Key was used for another request');
    }
    const first = known && (await orNull(getJson(store, keys.job(tenant, known.job), storedJob)));
    if (first !== null) return { job: first, replayed: true };
    // There was none, or it was not made to its end, or it was deleted since. Its id is promised to the key
    // first: a crash in between must not leave a job that the key does not know.
    const id = known?.job ?? newJobId();
    await putJson(store, place, { job: id, request });
    return { job: await create(id), replayed: false };
  } finally {
    await redis.del(lock).catch(() => undefined);
  }
}

/** Null for what is not there. */
const orNull = <T>(found: Promise<T>): Promise<T | null> =>
  found.catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');
