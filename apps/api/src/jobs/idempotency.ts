import { createHash } from 'node:crypto';
import { redisPrefix } from '@umbra/platform/queues/names';
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
/** Lifetime of the lock; a request that takes longer has died. */
const lockSeconds = 60;

/** Read a request's idempotency key; null where it has none. @throws {AppError} `invalid_input` */
export function idempotencyKeyOf(request: Request): string | null {
  const key = request.get('idempotency-key');
  if (key === undefined) return null;
  if (idempotencyKey.safeParse(key).success) return key;
  throw invalidInput(
    `Expected Idempotency-Key to be 1 to ${maxKeyLength} visible ASCII characters`,
  );
}

export type IdempotentRequest = {
  readonly tenant: string;
  /** null for a request without a key, which always creates a job. */
  readonly key: string | null;
  readonly body: JobRequest;
};

/**
 * Create a job once for a key: a repeated request gets the first job.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 * @throws {AppError} `conflict` while the first request runs; `unprocessable` if the key was used for
 *   another request.
 */
export async function createOnce(
  { store, redis }: Pick<ApiServices, 'store' | 'redis'>,
  { tenant, key, body }: IdempotentRequest,
  create: (id: string) => Promise<JobRecord>,
): Promise<{ readonly job: JobRecord; readonly replayed: boolean }> {
  if (key === null) return { job: await create(newJobId()), replayed: false };
  const recordKey = keys.idempotency(tenant, sha256Of(key));
  const request = sha256Of(JSON.stringify(body));
  const lock = `${redisPrefix}:idempotency:${tenant}:${sha256Of(key)}`;
  if ((await redis.set(lock, 1, 'EX', lockSeconds, 'NX')) === null) {
    throw new AppError('conflict', 'A request with this Idempotency-Key is being processed');
  }
  try {
    const known = await orNull(getJson(store, recordKey, idempotencyRecord));
    if (known !== null && known.request !== request) {
      throw new AppError('unprocessable', 'This Idempotency-Key was used for another request');
    }
    const first = known && (await orNull(getJson(store, keys.job(tenant, known.job), storedJob)));
    if (first !== null) return { job: first, replayed: true };
    // The job does not exist yet, or its creation was cut off, or it was deleted since. Its id is recorded
    // under the key first: a crash in between must not leave a job that the key does not lead to.
    const id = known?.job ?? newJobId();
    await putJson(store, recordKey, { job: id, request });
    return { job: await create(id), replayed: false };
  } finally {
    await redis.del(lock).catch(() => undefined);
  }
}

/** Settle with null where there is no such object. */
const orNull = <T>(found: Promise<T>): Promise<T | null> =>
  found.catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');
