import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createLease, type Lease } from './lease.js';

let redis: Redis;
let lease: Lease;

beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
  lease = createLease(redis, 'apart');
});
afterAll(() => redis.disconnect());

test("is one owner's until that one releases it", async () => {
  const key = randomUUID();
  expect(await lease.claim(key, 'a')).toBe('new');
  expect(await lease.claim(key, 'a')).toBe('own');
  expect(await lease.claim(key, 'b')).toBe('taken');
  await lease.release(key, 'b');
  expect(await lease.claim(key, 'b')).toBe('taken');
  await lease.release(key, 'a');
  expect(await lease.claim(key, 'b')).toBe('new');
  await lease.release(key, 'b');
});

test('claims of one kind are not those of another', async () => {
  const key = randomUUID();
  const rows = createLease(redis, 'rows');
  expect(await lease.claim(key, 'a')).toBe('new');
  expect(await rows.claim(key, 'b')).toBe('new');
  await Promise.all([lease.release(key, 'a'), rows.release(key, 'b')]);
});

test('lapses where it is not renewed, and lasts while it is', async () => {
  const [renewed, left] = [randomUUID(), randomUUID()];
  await Promise.all([lease.claim(renewed, 'a'), lease.claim(left, 'a')]);
  const stop = lease.renew(renewed, 'a');
  try {
    await sleep(6_500);
    expect(await lease.claim(left, 'b')).toBe('new');
    expect(await lease.claim(renewed, 'b')).toBe('taken');
  } finally {
    stop();
    await Promise.all([lease.release(renewed, 'a'), lease.release(left, 'b')]);
  }
}, 20_000);
