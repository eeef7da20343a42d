import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createThroughputStore } from './throughput.js';

let redis: Redis;
beforeAll(() => {
  // Of its own: the store forgets models of others beyond its limit.
  redis = new Redis(inject('redisUrl'), { db: 7 });
});
afterAll(async () => {
  await redis.flushdb();
  redis.disconnect();
});

const modelOf = (name: string) => ({ name, digest: randomBytes(32).toString('hex') });

test('models of one name are measured apart', async () => {
  const throughput = createThroughputStore(redis);
  const [fast, slow] = [modelOf('net'), modelOf('net')];
  await throughput.record(fast, 1, 100);
  await throughput.record(slow, 50, 100);
  await throughput.record(slow, 50, 100);
  const measured = await throughput.read();
  expect(measured.get(fast.digest)).toEqual({ name: 'net', secondsPerPosition: 0.01 });
  expect(measured.get(slow.digest)).toEqual({ name: 'net', secondsPerPosition: 0.5 });
});

test('at most a thousand models are kept, the last of them among these', async () => {
  const throughput = createThroughputStore(redis);
  const models = Array.from({ length: 1_001 }, () => modelOf('many'));
  await Promise.all(models.map((model) => throughput.record(model, 1, 100)));
  const last = modelOf('last');
  await throughput.record(last, 2, 100);
  const measured = await throughput.read();
  expect(measured.size).toBe(1_000);
  expect(measured.get(last.digest)).toEqual({ name: 'last', secondsPerPosition: 0.02 });
});
