import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { redisPrefix } from '../queues/names.js';
import { createWorkerRegistry } from './worker-registry.js';

const redis = new Redis(inject('redisUrl'));
const workerRegistry = createWorkerRegistry(redis);
const key = `${redisPrefix}:fleet`;
beforeEach(async () => {
  await redis.del(key);
});
afterEach(() => vi.useRealTimers());
afterAll(() => redis.disconnect());

const worker = { id: 'one', formats: ['onnx' as const], inferenceThreads: 2, backends: {} };

test('a worker is listed until it leaves', async () => {
  await workerRegistry.heartbeat(worker);
  expect(await workerRegistry.list()).toEqual([expect.objectContaining(worker)]);
  await workerRegistry.leave('one');
  expect(await workerRegistry.list()).toEqual([]);
});

test('what a worker runs is listed with it, by the clock of Redis, until it runs nothing or leaves', async () => {
  const work = {
    step: 'shard' as const,
    ...{ tenant: 'acme', job: 'job_1', image: 'img_00000000', model: 'tiny' },
    rows: { start: 0, end: 4 },
  };
  vi.useFakeTimers({ now: Date.now() + 3_600_000, toFake: ['Date'] });
  await workerRegistry.heartbeat(worker, [{ ...work, ranMs: 60_000 }]);
  vi.useRealTimers();
  const [{ running } = { running: [] }] = await workerRegistry.listAtWork();
  expect(running).toEqual([{ ...work, since: expect.any(String) }]);
  const ranMs = Date.now() - Date.parse(running[0]?.since ?? '');
  expect(ranMs).toBeGreaterThan(59_000);
  expect(ranMs).toBeLessThan(90_000);
  expect(await workerRegistry.list()).toEqual([expect.objectContaining(worker)]);
  expect(await redis.pttl(`${key}:work:one`)).toBeGreaterThan(0);

  await workerRegistry.heartbeat(worker);
  expect(await workerRegistry.listAtWork()).toEqual([
    { worker: expect.objectContaining(worker), running: [] },
  ]);
  await workerRegistry.heartbeat(worker, [{ ...work, ranMs: 0 }]);
  await workerRegistry.leave('one');
  expect(await redis.exists(`${key}:work:one`)).toBe(0);
});

test('one that is not heard of any more is gone, and forgotten; what is not a notice is passed over', async () => {
  const old = { ...worker, id: 'old', seenAt: new Date(Date.now() - 60_000).toISOString() };
  await redis.hset(key, { old: JSON.stringify(old), odd: '{' });
  expect(await workerRegistry.list()).toEqual([]);
  await workerRegistry.heartbeat(worker);
  expect(await redis.hkeys(key)).toEqual(expect.arrayContaining(['one', 'odd']));
  expect(await redis.hexists(key, 'old')).toBe(0);
});

test.each([-1, 1])('a worker whose clock is %i h off is as live as the others', async (hours) => {
  await workerRegistry.heartbeat(worker);
  vi.useFakeTimers({ now: Date.now() + hours * 3_600_000, toFake: ['Date'] });
  await workerRegistry.heartbeat({ ...worker, id: 'off' });
  expect(await workerRegistry.list()).toHaveLength(2);
  vi.useRealTimers();
  expect(await workerRegistry.list()).toHaveLength(2);
});

test('a worker that tells of lanes is listed with as many inference threads, and forgotten when gone', async () => {
  const { inferenceThreads: lanes, ...rest } = worker;
  const live = { ...rest, id: 'live', lanes, seenAt: new Date().toISOString() };
  const gone = { ...live, id: 'gone', seenAt: new Date(Date.now() - 60_000).toISOString() };
  await redis.hset(key, { live: JSON.stringify(live), gone: JSON.stringify(gone) });
  expect(await workerRegistry.list()).toEqual([{ ...worker, id: 'live', seenAt: live.seenAt }]);
  await workerRegistry.heartbeat(worker);
  expect(await redis.hexists(key, 'gone')).toBe(0);
});
