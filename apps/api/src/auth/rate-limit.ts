import { createHash } from 'node:crypto';
import { redisPrefix } from '@umbra/platform/queues/queues';
import { AppError } from '@umbra/shared/errors';
import type { RequestHandler, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import type { Redis } from 'ioredis';
import { RedisStore } from 'rate-limit-redis';
import type { Context } from '../services.js';

const windowMs = 60_000;

/**
 * Hold each tenant to its requests a minute, over all API processes together.
 *
 * While Redis is away requests pass: what needs it fails by itself, and the rest harms nobody.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 */
export function limitRequests({ redis, readTenant, logger }: Context): RequestHandler {
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
      warn: (reason) => logger.debug({ reason }, 'rate limits'),
      // Redis' absence is told by its connection, and not by every request.
      error: (reason) => logger.debug({ reason }, 'a request was not counted'),
    },
    // They are about clients' addresses, which do not count here.
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
      // The store asks for this once, at its start, and would have failed for good: Redis may come later.
      if (command === 'SCRIPT') return sent.catch(() => sha1Of(args[1] ?? ''));
      return sent;
    },
  });
}

const sha1Of = (script: string): string => createHash('sha1').update(script).digest('hex');
