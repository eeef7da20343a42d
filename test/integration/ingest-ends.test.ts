import { type Dataset, queueJobIds, queueNames, redisPrefix } from '@umbra/shared';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startService, type TestService } from '../support/service.js';

let service: TestService;

beforeAll(async () => {
  service = await startService({ UMBRA_RESUME_MS: '60000' });
});
afterAll(() => service.close());

test('a dataset that no worker survives fails, and is not tried for ever', async () => {
  const line = JSON.stringify({ uri: 's3://bucket/photo.png' });
  const made = await fetch(`${service.url}/v1/datasets`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/jsonl' },
    body: `${line}\n`,
  });
  expect(made.status).toBe(202);
  const { id } = (await made.json()) as Dataset;
  // What the queue writes once a job has stalled too often.
  const redis = new Redis(service.redis.url);
  const key = `${redisPrefix}:${queueNames.ingest}:${queueJobIds.ingest(id)}`;
  await redis.hset(key, 'defa', 'job stalled more than allowable limit');
  redis.disconnect();
  await service.startWorker();
  const read = async () =>
    (await (await fetch(`${service.url}/v1/datasets/${id}`)).json()) as Dataset;
  await expect.poll(async () => (await read()).state, { timeout: 10_000 }).toBe('failed');
  expect((await read()).error).toMatchObject({ code: 'internal' });
  for await (const { key: mark } of service.store.list('ingests/')) expect(mark).toBeUndefined();
});
