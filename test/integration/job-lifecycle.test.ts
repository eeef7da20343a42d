import { createJobProgressStore } from '@umbra/platform/redis/job-progress';
import type { JobStatus } from '@umbra/shared/contracts/job';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readZip } from '../support/read-zip.js';
import { s3Env } from '../support/s3-env.js';
import {
  makePhotos,
  postJob,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

let service: TestService;
let dataset: string;
const images = 60;

beforeAll(async () => {
  service = await startService({ UMBRA_WINDOW_IMAGES: '4', ...s3Env() });
  dataset = await uploadPhotos(service.url, await makePhotos(images));
});
afterAll(async () => {
  await service.close();
  vi.unstubAllEnvs();
});

const work = (stride: number) => ({ dataset, model: 'tiny', settings: { patch: 8, stride } });
const cancel = (job: string) => fetch(`${service.url}/v1/jobs/${job}/cancel`, { method: 'POST' });
const isCancelled = ({ state }: JobStatus) => state === 'cancelled';

test('counts never go back where Redis returns empty', async () => {
  const redis = new Redis(service.redis.url);
  const progress = createJobProgressStore(redis);
  const job = await submitJob(service.url, work(8));
  // The list is read anew each time; polls of one job share what was read a moment before.
  const countsOf = async () => {
    const response = await fetch(`${service.url}/v1/jobs?limit=100`);
    const { data } = (await response.json()) as { data: JobStatus[] };
    return data.find(({ id }) => id === job)?.counts;
  };
  const finish = async (indices: readonly number[]) => {
    await progress.start(job, Date.now());
    for (const index of indices) await progress.finishImage(job, index, 'completed', null);
  };
  await finish([0, 1, 2]);
  expect(await countsOf()).toEqual({ total: images, completed: 3, failed: 0 });
  await progress.clear(job);
  expect(await countsOf()).toEqual({ total: images, completed: 3, failed: 0 });
  await finish([0]);
  expect((await countsOf())?.completed).toBe(3);
  await finish([1, 2, 3]);
  expect((await countsOf())?.completed).toBe(4);
  await progress.clear(job);
  redis.disconnect();
  await cancel(job);
});

test('a cancelled job stops soon, and keeps its finished images', async () => {
  await service.startWorker();
  const job = await submitJob(service.url, work(1));
  await waitForJob(service.url, job, ({ counts }) => counts.completed > 0);
  const startedAt = performance.now();
  const response = await cancel(job);
  expect(response.status).toBe(202);
  expect(await response.json()).toMatchObject({ state: 'cancelling' });
  const status = await waitForJob(service.url, job, isCancelled);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect(status.counts.completed).toBeGreaterThan(0);
  expect(status.counts.completed).toBeLessThan(images);
  expect(status.counts.failed).toBe(0);
  expect(status.cancelledAt).not.toBeNull();
  const archive = await fetch(`${service.url}/v1/jobs/${job}/archive`);
  const files = await readZip(Buffer.from(await archive.arrayBuffer()));
  const lines = String(files.get('manifest.jsonl')).trim().split('\n');
  const states = lines.map((line) => (JSON.parse(line) as { state: string }).state);
  expect(states.filter((state) => state === 'completed')).toHaveLength(status.counts.completed);
  expect(states.filter((state) => state === 'cancelled')).toHaveLength(
    images - status.counts.completed,
  );
  // A download that broke off goes on where it was; of another version, all is sent.
  const whole = Buffer.from(await (await fetch(archive.url)).arrayBuffer());
  const etag = archive.headers.get('etag') ?? '';
  const part = (range: string, condition = etag) =>
    fetch(archive.url, { headers: { range, 'if-range': condition } });
  const rest = await part('bytes=100-');
  expect([rest.status, rest.headers.get('content-range')]).toEqual([
    206,
    `bytes 100-${whole.length - 1}/${whole.length}`,
  ]);
  expect(Buffer.from(await rest.arrayBuffer()).equals(whole.subarray(100))).toBe(true);
  expect((await (await part('bytes=-7')).arrayBuffer()).byteLength).toBe(7);
  expect((await part('bytes=0-9', '"other"')).status).toBe(200);
  expect((await part(`bytes=${whole.length}-`)).status).toBe(416);
  // Asked again, it is still cancelled.
  expect((await cancel(job)).status).toBe(202);
});

test('cancelling an ended job changes nothing, and an unknown one is not found', async () => {
  const job = await submitJob(service.url, work(8));
  await waitForJob(service.url, job);
  const response = await cancel(job);
  expect(response.status).toBe(409);
  expect(await response.json()).toMatchObject({ detail: expect.stringContaining('is completed') });
  expect((await cancel('job_00000000000000000000')).status).toBe(404);
});

describe('an Idempotency-Key', () => {
  const post = (key: string, stride: number) =>
    fetch(`${service.url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(work(stride)),
    });

  test('gives the same job to the same request, and refuses another', async () => {
    const first = await post('order-1', 8);
    const { id } = (await first.json()) as JobStatus;
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([202, null]);
    const again = await post('order-1', 8);
    expect(((await again.json()) as JobStatus).id).toBe(id);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
    const other = await post('order-1', 4);
    expect(other.status).toBe(422);
    const without = await postJob(service.url, work(8));
    expect(((await without.json()) as JobStatus).id).not.toBe(id);
    await waitForJob(service.url, id);
  });

  test('makes one job of concurrent requests', async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, () => post('order-2', 8)));
    const made = responses.filter(({ status }) => status === 202);
    const ids = await Promise.all(made.map(async (one) => ((await one.json()) as JobStatus).id));
    expect(new Set(ids).size).toBe(1);
    expect(responses.every(({ status }) => status === 202 || status === 409)).toBe(true);
  });

  test('must be visible ASCII', async () => {
    expect((await post('two words', 8)).status).toBe(400);
    expect((await post('x'.repeat(256), 8)).status).toBe(400);
  });
});

test('an ended job can be deleted, and a running one can not', async () => {
  const own = await uploadPhotos(service.url, await makePhotos(2));
  const remove = (path: string) => fetch(`${service.url}/v1/${path}`, { method: 'DELETE' });
  const running = await submitJob(service.url, { ...work(1), dataset: own });
  const [job, data] = [await remove(`jobs/${running}`), await remove(`datasets/${own}`)];
  expect([job.status, data.status]).toEqual([409, 409]);
  expect(await data.json()).toMatchObject({ detail: expect.stringContaining(running) });
  await waitForJob(service.url, running);
  expect((await remove(`datasets/${own}`)).status).toBe(204);
  expect((await fetch(`${service.url}/v1/datasets/${own}`)).status).toBe(404);
  // Results outlive their dataset.
  expect((await fetch(`${service.url}/v1/jobs/${running}/archive`)).status).toBe(200);
  expect((await remove(`jobs/${running}`)).status).toBe(204);
  expect((await fetch(`${service.url}/v1/jobs/${running}/archive`)).status).toBe(404);
  expect((await remove(`jobs/${running}`)).status).toBe(404);
  const left = [];
  for await (const { key } of service.store.list('tenants/')) left.push(key);
  expect(left.filter((key) => key.includes(running) || key.includes(own))).toEqual([]);
});
