import { Redis } from 'ioredis';
import { afterAll, beforeEach, expect, inject, test } from 'vitest';
import { redisPrefix } from '../queues/queues.js';
import { createFleetBook } from './worker-registry.js';

const redis = new Redis(inject('redisUrl'));
const fleet = createFleetBook(redis);
const key = `${redisPrefix}:fleet`;
beforeEach(async () => {
  await redis.del(key);
});
afterAll(() => redis.disconnect());

const worker = { id: 'one', formats: ['onnx' as const], lanes: 2, backends: {} };

test('a worker is listed until it leaves', async () => {
  await fleet.announce(worker);
  expect(await fleet.list()).toEqual([expect.objectContaining(worker)]);
  await fleet.leave('one');
  expect(await fleet.list()).toEqual([]);
});

test('one that is not heard of any more is gone, and forgotten; what is not a notice is passed over', async () => {
  const old = { ...worker, id: 'old', seenAt: new Date(Date.now() - 60_000).toISOString() };
  await redis.hset(key, { old: JSON.stringify(old), odd: '{' });
  expect(await fleet.list()).toEqual([]);
  await fleet.announce(worker);
  expect(await redis.hkeys(key)).toEqual(expect.arrayContaining(['one', 'odd']));
  expect(await redis.hexists(key, 'old')).toBe(0);
});
