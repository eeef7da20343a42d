import { createHash } from 'node:crypto';
import { redisPrefix } from '@umbra/platform/queues/names';
import { at } from '@umbra/shared/assert';
import { AppError } from '@umbra/shared/errors';
import type { RequestHandler, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import type { Redis } from 'ioredis';
import { RedisStore } from 'rate-limit-redis';
import type { ApiServices } from '../services.js';

const windowMs = 60_000;

/**
 * Limits each tenant's requests a minute, over all API processes together.
 *
 * Requests pass while Redis is down: those that need it fail by themselves, and the rest do no harm.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 */
export function limitRequests({
  redis,
  readTenant,
  logger,
}: Pick<ApiServices, 'redis' | 'readTenant' | 'logger'>): RequestHandler {
  const tenantOf = (response: Response) => response.locals.tenant as string;
  const limitOf = async (response: Response) =>
    (await readTenant(tenantOf(response))).requestsPerMinute;
  return rateLimit({
    windowMs,
    identifier: 'requests',
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    passOnStoreError: true,
    keyGenerator: (_request, response) => tenantOf(response),
    skip: async (_request, response) => (await limitOf(response)) === null,
    limit: async (_request, response) => (await limitOf(response)) ?? Number.MAX_SAFE_INTEGER,
    store: openCounts(redis),
    logger: {
      warn: (reason) => logger.debug({ reason }, 'rate limiter warning'),
      // The connection's own log reports that Redis is down; not every request has to.
      error: (reason) => logger.debug({ reason }, 'request not counted'),
    },
    // The validations are about clients' addresses, which are not the key here.
    validate: false,
    handler: async (_request, response) => {
      const limit = await limitOf(response);
      throw new AppError('rate_limited', `Expected at most ${limit} requests a minute`);
    },
  });
}

function openCounts(redis: Redis): RedisStore {
  return new RedisStore({
    prefix: `${redisPrefix}:rate:`,
    sendCommand: async (command: string, ...args: string[]) => {
      const sent = redis.call(command, ...args) as Promise<string>;
      // The store loads its script once, at its start, and would fail for good: Redis may come up later.
      if (command === 'SCRIPT') return sent.catch(() => sha1Of(at(args, 1)));
      return sent;
    },
  });
}

const sha1Of = (script: string): string => createHash('sha1').update(script).digest('hex');
