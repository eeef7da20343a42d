import { createHash } from 'node:crypto';
import type { KeyVerifier, Principal } from '@umbra/platform/tenancy/verify-key';
import { createCache } from '@umbra/shared/cache';
import { hasCode } from '@umbra/shared/errors';
import type { Request } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { ProblemError } from '../http/problems.js';

/** Whose key it is, unless too many bad ones came from where it comes from. */
export type GuardedVerifier = (request: Pick<Request, 'ip'>, key: string) => Promise<Principal>;

const windowMs = 60_000;
const workedMs = 3_600_000;
const kept = 10_000;

type Failures = { readonly count: number; readonly sinceMs: number };

const now = () => performance.now();

/**
 * Listen to an address no more, for the rest of a minute, after so many bad keys: nobody guesses 128 bits,
 * but each guess would be a read of the store.
 *
 * Good requests are not counted, and a key that has worked within the hour always passes: behind one
 * address there may be many clients, of which one has a bad key. Each process counts for itself, in
 * bounded memory; requests that are under way when the limit is reached are still looked up.
 *
 * @param perMinute Bad keys an address (IPv6: a /56) may send.
 */
export function limitGuesses(verify: KeyVerifier, perMinute: number): GuardedVerifier {
  const failures = createCache<Failures>({ maxEntries: kept, ttlMs: windowMs, now });
  /** By digest: no secret is kept. */
  const worked = createCache<true>({ maxEntries: kept, ttlMs: workedMs, now });

  const noteFailure = (address: string): void => {
    const { count, sinceMs } = failures.get(address) ?? { count: 0, sinceMs: performance.now() };
    failures.set(address, { count: count + 1, sinceMs }, sinceMs);
  };
  const assertHeard = (address: string): void => {
    const found = failures.get(address);
    if (found === undefined || found.count < perMinute) return;
    const waitMs = found.sinceMs + windowMs - performance.now();
    throw new ProblemError(
      'rate_limited',
      `Expected at most ${perMinute} bad API keys a minute from one address`,
      { headers: { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) } },
    );
  };

  return async ({ ip = '' }, key) => {
    const address = ipKeyGenerator(ip);
    const digest = createHash('sha256').update(key).digest('base64');
    if (worked.get(digest) === undefined) assertHeard(address);
    try {
      const principal = await verify(key);
      worked.set(digest, true, performance.now());
      return principal;
    } catch (error) {
      if (hasCode(error, 'unauthorized')) {
        worked.delete(digest);
        noteFailure(address);
      }
      throw error;
    }
  };
}
