import { createHash } from 'node:crypto';
import { createCache } from '@umbra/shared/cache';
import { hasCode } from '@umbra/shared/errors';
import type { Request } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { ProblemError } from '../http/problems.js';

/** Verifies what a request shows, unless its address has shown too many bad ones. */
export type GuardedVerifier<T> = (request: Pick<Request, 'ip'>, secret: string) => Promise<T>;

export type GuessLimits = {
  /** Maximum number of bad ones of an address (IPv6: a /56) a minute. */
  readonly perMinute: number;
  /** What is guessed, in the plural, for the refusal. */
  readonly what: string;
};

const windowMs = 60_000;
/** How long a secret that was verified is exempt. */
const exemptMs = 3_600_000;
const maxEntries = 10_000;

type Failures = { readonly count: number; readonly sinceMs: number };

const now = () => performance.now();

/**
 * Limits failed authentication: an address that sent too many bad secrets is refused for the rest of a minute.
 * Nobody guesses 128 bits, but each guess would read the store or Redis.
 *
 * Good ones are not counted, and one that was verified within the hour is always looked up: many clients may
 * share an address, of which one has a bad key. Each process counts for itself, in bounded memory; requests
 * in flight when the limit is reached are still looked up.
 */
export function limitGuesses<T>(
  verify: (secret: string) => Promise<T>,
  { perMinute, what }: GuessLimits,
): GuardedVerifier<T> {
  const failures = createCache<Failures>({ maxEntries, ttlMs: windowMs, now });
  /** Digests of what was verified: no secret is kept. */
  const verified = createCache<true>({ maxEntries, ttlMs: exemptMs, now });

  const countFailure = (address: string): void => {
    const { count, sinceMs } = failures.get(address) ?? { count: 0, sinceMs: performance.now() };
    failures.set(address, { count: count + 1, sinceMs }, sinceMs);
  };
  const assertBelowLimit = (address: string): void => {
    const found = failures.get(address);
    if (found === undefined || found.count < perMinute) return;
    const waitMs = found.sinceMs + windowMs - performance.now();
    throw new ProblemError(
      'rate_limited',
      `Expected at most ${perMinute} bad ${what} a minute from one address`,
      { headers: { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) } },
    );
  };

  return async ({ ip = '' }, secret) => {
    const address = ipKeyGenerator(ip);
    const digest = createHash('sha256').update(secret).digest('base64');
    if (verified.get(digest) === undefined) assertBelowLimit(address);
    try {
      const found = await verify(secret);
      verified.set(digest, true, performance.now());
      return found;
    } catch (error) {
      if (hasCode(error, 'unauthorized')) {
        verified.delete(digest);
        countFailure(address);
      }
      throw error;
    }
  };
}
