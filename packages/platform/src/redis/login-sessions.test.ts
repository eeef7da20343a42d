import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { createLoginSessionStore, type LoginSessionStore } from './login-sessions.js';

let redis: Redis;
let sessions: LoginSessionStore;
let keyPrefix: string;
beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
  sessions = createLoginSessionStore(redis, 3);
});
beforeEach(() => {
  keyPrefix = randomBytes(4).toString('hex');
});
afterAll(() => redis.disconnect());

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const begin = (endsAt = inMs(60_000)) => sessions.begin({ keyPrefix, endsAt });

test('a session is found by its token, of which Redis has only a hash', async () => {
  const endsAt = inMs(60_000);
  const token = await begin(endsAt);
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(await sessions.find(token)).toEqual({ keyPrefix, endsAt });
  // Another process's, too.
  expect(await createLoginSessionStore(redis, 3).find(token)).toEqual({ keyPrefix, endsAt });
  for (const key of await redis.keys('umbra:login:*')) {
    const kept = key.includes(':session:') ? [await redis.get(key)] : await redis.lrange(key, 0, 9);
    expect(JSON.stringify([key, kept])).not.toContain(token);
  }
});

test('a session ends at its time, and leaves nothing in Redis', async () => {
  const token = await begin(inMs(40));
  await expect.poll(() => sessions.find(token), { timeout: 5_000 }).toBeNull();
  expect(await redis.exists(`umbra:login:key:${keyPrefix}`)).toBe(0);
});

test('a session is ended once, and its key has room again', async () => {
  const [first, ...others] = [await begin(), await begin(), await begin()];
  await sessions.end(first);
  await sessions.end(first);
  expect(await sessions.find(first)).toBeNull();
  await begin();
  for (const token of others) expect(await sessions.find(token)).not.toBeNull();
});

test('one session too many ends the oldest of the key, and none of another', async () => {
  const other = await sessions.begin({ keyPrefix: 'another1', endsAt: inMs(60_000) });
  const tokens = [];
  for (let index = 0; index < 5; index++) tokens.push(await begin());
  const found = await Promise.all(tokens.map((token) => sessions.find(token)));
  expect(found.map((session) => session !== null)).toEqual([false, false, true, true, true]);
  expect(await redis.llen(`umbra:login:key:${keyPrefix}`)).toBe(3);
  expect(await sessions.find(other)).not.toBeNull();
});

test.each(['', 'x', 'a'.repeat(43), `${'a'.repeat(42)}*`, 'a'.repeat(10_000)])(
  'what is no token finds nothing: %j',
  async (token) => {
    expect(await sessions.find(token)).toBeNull();
    await sessions.end(token);
  },
);
