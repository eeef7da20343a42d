import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { redisPrefix } from '../queues/names.js';

/** What a browser shows in place of the key that it was logged in with. */
export type LoginSession = {
  readonly keyPrefix: string;
  /** ISO 8601. */
  readonly endsAt: string;
};

/**
 * Login sessions, in Redis and so at every API process at once. Redis has the hash of a token and never the
 * token. Where Redis lost them, one logs in again.
 */
export type LoginSessionStore = {
  /** Begin a session, which ends the key's oldest one where it has too many. @returns Its token, which is kept nowhere. */
  begin(session: LoginSession): Promise<string>;
  /** @returns null for one that has ended, or never was. */
  find(token: string): Promise<LoginSession | null>;
  /** End a session; safe to repeat. */
  end(token: string): Promise<void>;
};

/** 256 random bits in base64url. */
const tokenForm = /^[A-Za-z0-9_-]{43}$/;
const storedSession = z.strictObject({
  version: z.literal(1),
  keyPrefix: z.string(),
  endsAt: z.iso.datetime(),
});

const add = `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('LPUSH', KEYS[2], KEYS[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
for _, oldest in ipairs(redis.call('LRANGE', KEYS[2], ARGV[3], -1)) do redis.call('DEL', oldest) end
redis.call('LTRIM', KEYS[2], 0, ARGV[3] - 1)`;

/** @param maxPerKey Maximum number of sessions of one key. */
export function createLoginSessionStore(redis: Redis, maxPerKey: number): LoginSessionStore {
  const root = `${redisPrefix}:login`;
  const keyOf = (token: string) =>
    `${root}:session:${createHash('sha256').update(token).digest('base64url')}`;
  const listOf = (keyPrefix: string) => `${root}:key:${keyPrefix}`;
  const find = async (token: string): Promise<LoginSession | null> => {
    if (!tokenForm.test(token)) return null;
    const text = await redis.get(keyOf(token));
    if (text === null) return null;
    const { version, ...session } = storedSession.parse(JSON.parse(text));
    return session;
  };
  return {
    async begin(session) {
      const token = randomBytes(32).toString('base64url');
      const lifeMs = Math.max(1, Date.parse(session.endsAt) - Date.now());
      const stored: z.output<typeof storedSession> = { version: 1, ...session };
      const keys = [keyOf(token), listOf(session.keyPrefix)] as const;
      await redis.eval(add, 2, ...keys, JSON.stringify(stored), lifeMs, maxPerKey);
      return token;
    },
    find,
    async end(token) {
      const session = await find(token);
      if (session === null) return;
      const key = keyOf(token);
      await redis.multi().del(key).lrem(listOf(session.keyPrefix), 0, key).exec();
    },
  };
}
