import { createJobProgressStore } from '@umbra/platform/redis/job-progress';
import { findJobRecord } from '@umbra/platform/store/job-records';
import { putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { isFinal, type JobRecord, type JobStatus } from '@umbra/shared/contracts/job';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  makePhotos,
  postJob,
  startService,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

/** What is left where the end of a job is cut off, and what comes when a job has ended. */
let service: TestService;
let redis: Redis;
let dataset: string;
const tenant = defaultTenant;
const images = 4;

beforeAll(async () => {
  service = await startService({ UMBRA_RESUME_MS: '200' });
  redis = new Redis(service.redis.url);
  dataset = await uploadPhotos(service.url, await makePhotos(images));
  await service.startWorker();
});
afterAll(async () => {
  redis.disconnect();
  await service.close();
});

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const retry = (job: string) => fetch(`${service.url}/v1/jobs/${job}/retry`, { method: 'POST' });
const mark = (job: string) => keys.activeJob(tenant, job);
const hasMark = async (job: string) => (await service.store.head(mark(job))) !== null;

async function endedJob(more: object = {}): Promise<JobRecord> {
  const settings = { patch: 8, stride: 8 };
  const body = { dataset, model: 'tiny', settings, reuse: false, ...more };
  const { id } = (await (await postJob(service.url, body)).json()) as JobStatus;
  await waitForJob(service.url, id, ({ state }) => isFinal(state));
  await expect.poll(() => hasMark(id)).toBe(false);
  const record = await findJobRecord(service.store, tenant, id);
  if (record === null) throw new Error(`Expected job ${id}`);
  return record;
}

/** Write down that a job was cancelled, with nothing of it done. */
async function cancelledJob(changes: Partial<JobRecord> = {}): Promise<JobRecord> {
  const done = await endedJob();
  const record: JobRecord = {
    ...done,
    ...{ state: 'cancelled', cancelledAt: minutesAgo(5), completedAt: null },
    counts: { total: images, completed: 0, failed: 0 },
    ...changes,
  };
  for await (const { key } of service.store.list(keys.results(tenant, done.id))) {
    await service.store.delete(key);
  }
  await putJson(service.store, keys.job(tenant, done.id), record);
  return record;
}

const finish = (job: string) =>
  waitForJob(service.url, job, ({ state, attempt }) => isFinal(state) && attempt === 2);

test('retry waits until the ended job is cleaned up', async () => {
  const { id } = await cancelledJob({ cancelledAt: new Date().toISOString() });
  await service.store.put(mark(id), '');
  expect((await retry(id)).status).toBe(409);
  const waiting = retry(id);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await service.store.delete(mark(id));
  expect((await waiting).status).toBe(202);
  expect(await finish(id)).toMatchObject({ state: 'completed', counts: { completed: images } });
});

test('a job whose end was interrupted is cleaned up later', async () => {
  const { id } = await cancelledJob();
  await service.store.put(mark(id), '');
  await expect.poll(() => hasMark(id), { timeout: 10_000 }).toBe(false);
  await expect.poll(() => createJobProgressStore(redis).listRegistered()).not.toContain(id);
});

test('retry runs an image that failed after its job had ended', async () => {
  const { id } = await cancelledJob();
  await createJobProgressStore(redis).finishImage(id, 1, 'failed', null);
  expect((await retry(id)).status).toBe(202);
  const counts = { total: images, completed: images, failed: 0 };
  expect(await finish(id)).toMatchObject({ state: 'completed', counts });
});

test('retry of a job that ended before its dataset was ready runs all images', async () => {
  const { id } = await cancelledJob({
    startedAt: null,
    counts: { total: 0, completed: 0, failed: 0 },
  });
  const again = await retry(id);
  expect(await again.json()).toMatchObject({ state: 'validating', attempt: 2 });
  const counts = { total: images, completed: images, failed: 0 };
  expect(await finish(id)).toMatchObject({ state: 'completed', counts });
});

test('retention time begins at the last end of a job', async () => {
  const job = await endedJob({ keepResultsSeconds: 3_600 });
  const earlier = keys.retention(new Date(minutesAgo(1)), tenant, job.id);
  await service.store.put(earlier, '');
  await expect.poll(() => service.store.head(earlier), { timeout: 5_000 }).toBeNull();
  expect(await findJobRecord(service.store, tenant, job.id)).not.toBeNull();
});
