import { queueJobIds, queueNames, redisPrefix } from '@umbra/platform/queues/names';
import { keys } from '@umbra/platform/store/keys';
import type { Dataset } from '@umbra/shared/contracts/dataset';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePhotos, startService, type TestService } from '../support/service.js';

let service: TestService;

beforeAll(async () => {
  service = await startService({ UMBRA_RESUME_MS: '60000' });
});
afterAll(() => service.close());

test('a dataset whose ingest stalls too often fails', async () => {
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

test('a manifest that ends after its dataset was closed is not part of it', async () => {
  const call = (path: string, init: object) =>
    fetch(`${service.url}/v1/datasets${path}`, { method: 'POST', ...init });
  const open = await call('', { headers: { 'Content-Type': 'application/json' }, body: '{}' });
  const { id } = (await open.json()) as Dataset;
  const form = new FormData();
  for (const { name, bytes } of await makePhotos(1)) {
    form.append('images', new Blob([new Uint8Array(bytes)]), name);
  }
  expect((await call(`/${id}/images`, { body: form })).status).toBe(200);
  let finish = () => {};
  const body = new ReadableStream({
    start(controller) {
      const line = JSON.stringify({ uri: 's3://bucket/photo.png' });
      controller.enqueue(Buffer.from(`${line}\n`));
      finish = () => controller.close();
    },
  });
  const headers = { 'Content-Type': 'application/jsonl' };
  const sent = call(`/${id}/images`, { headers, body, duplex: 'half' });
  // The request must have begun while the dataset was open.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const closed = await call(`/${id}/close`, {});
  expect(await closed.json()).toMatchObject({ state: 'ready', images: 1 });
  finish();
  expect((await sent).status).toBe(409);
  const left: string[] = [];
  for (const folder of keys.datasetWork('default', id)) {
    for await (const { key } of service.store.list(folder)) left.push(key);
  }
  expect(left).toEqual([]);
});
