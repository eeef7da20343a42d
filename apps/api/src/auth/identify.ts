import { createHash } from 'node:crypto';
import type { LoginSessionStore } from '@umbra/platform/redis/login-sessions';
import type { Logger } from '@umbra/platform/telemetry/logger';
import type { KeyReader } from '@umbra/platform/tenancy/key-reader';
import { createKeyVerifier, principalOf } from '@umbra/platform/tenancy/verify-key';
import { createCache } from '@umbra/shared/cache';
import { AppError, hasCode } from '@umbra/shared/errors';
import type { Request } from 'express';
import type { Identity } from '../http/identity.js';
import { ProblemError } from '../http/problems.js';
import { type GuardedVerifier, limitGuesses } from './limit-guesses.js';
import { readSessionCookie } from './session-cookie.js';

/** Tells who sends requests. */
export type Identifier = {
  /**
   * By the key in the request's header or, without one, by its session cookie.
   *
   * @throws {ProblemError} `unauthorized` with a challenge; `forbidden` where another site may have sent the cookie;
   *   `rate_limited`; `unavailable` for a session while Redis is away.
   */
  request(request: Request): Promise<Identity>;
  /** By the text of a key. @throws {AppError} `unauthorized`; `rate_limited` */
  readonly key: GuardedVerifier<Identity>;
};

export type IdentifierOptions = {
  readonly readKey: KeyReader;
  readonly sessions: LoginSessionStore;
  readonly badKeysPerMinute: number;
  readonly logger: Logger;
};

/** How long a token that is no session's is remembered: an open page may send it again and again. */
const deadMs = 60_000;
const maxDead = 10_000;

export function createIdentifier(options: IdentifierOptions): Identifier {
  const { readKey, badKeysPerMinute: perMinute, logger } = options;
  const verifyKey = createKeyVerifier(readKey);
  const key = limitGuesses(
    async (text): Promise<Identity> => {
      const { tenant, scopes, keyPrefix, expiresAt } = await verifyKey(text);
      const authentication = 'key';
      return { tenant, scopes: [...scopes], authentication, keyPrefix, endsAt: expiresAt };
    },
    { perMinute, what: 'API keys' },
  );
  const session = rememberDead(
    // Counted apart from keys, since whoever's session has ended is to log in with one.
    limitGuesses((token) => verifySession(options, token), { perMinute, what: 'session cookies' }),
  );
  return {
    key,
    async request(request) {
      const text = bearerOf(request);
      const token = text === undefined ? readSessionCookie(request) : undefined;
      try {
        if (text !== undefined) return await key(request, text);
        if (token !== undefined) return await session(request, token);
      } catch (error) {
        if (!hasCode(error, 'unauthorized')) throw error;
        const what = text === undefined ? 'bad session' : 'bad API key';
        logger.info({ path: request.path, reason: error.message }, `request refused, ${what}`);
        throw unauthorized(error.message, 'Bearer realm="umbra", error="invalid_token"');
      }
      throw unauthorized(
        "Expected 'Authorization: Bearer' with an API key, or a session cookie",
        'Bearer realm="umbra"',
      );
    },
  };
}

/** The key in a request's header; undefined where it has none. @see https://www.rfc-editor.org/rfc/rfc6750 */
const bearerOf = (request: Request): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(request.get('authorization') ?? '')?.[1];

/** Whom a session speaks for: whom its key does, as that is now. @throws {AppError} `unauthorized` */
async function verifySession(
  { readKey, sessions }: Pick<IdentifierOptions, 'readKey' | 'sessions'>,
  token: string,
): Promise<Identity> {
  const session = await sessions.find(token);
  const record = session && (await readKey(session.keyPrefix));
  if (session === null || record === null) {
    throw new AppError('unauthorized', 'This session has ended: log in again');
  }
  const { tenant, scopes, keyPrefix, expiresAt } = principalOf(record);
  const endsAt = earlier(session.endsAt, expiresAt);
  return { tenant, scopes: [...scopes], authentication: 'session', keyPrefix, endsAt };
}

/** The earlier of two times, ISO 8601, of which the second may never come. */
export const earlier = (time: string, other: string | null): string =>
  other !== null && Date.parse(other) < Date.parse(time) ? other : time;

/**
 * Refuses a token again that was refused, without counting it as another guess: pages that are open while Redis loses
 * its sessions ask every second, and must not keep their address from logging in.
 */
function rememberDead<T>(verify: GuardedVerifier<T>): GuardedVerifier<T> {
  const dead = createCache<AppError>({ maxEntries: maxDead, ttlMs: deadMs });
  return async (request, token) => {
    const digest = createHash('sha256').update(token).digest('base64');
    const known = dead.get(digest);
    if (known !== undefined) throw known;
    try {
      return await verify(request, token);
    } catch (error) {
      if (hasCode(error, 'unauthorized')) {
        dead.set(digest, new AppError('unauthorized', error.message));
      }
      throw error;
    }
  };
}

const unauthorized = (message: string, challenge: string) =>
  new ProblemError('unauthorized', message, { headers: { 'WWW-Authenticate': challenge } });
