import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newDataset } from '@umbra/shared/contracts/dataset';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { newDatasetId, newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { redisPrefix } from '../queues/names.js';
import { createFsStore } from '../store/fs-store.js';
import { putJson } from '../store/json.js';
import { keys } from '../store/keys.js';
import type { ObjectStore } from '../store/store.js';
import { createUsageLedger, type UsageLedger } from './usage-ledger.js';

let folder: string;
let store: ObjectStore;
let redis: Redis;
let book: UsageLedger;
let tenant: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-usage-'));
  store = createFsStore(folder);
  redis = new Redis(inject('redisUrl'));
  book = createUsageLedger(redis, store);
});
beforeEach(() => {
  tenant = `t${randomUUID()}`;
});
afterAll(async () => {
  redis.disconnect();
  await rm(folder, { recursive: true, force: true });
});

const quotas = {
  images: 10,
  bytes: 1_000,
  positionsInFlight: 500,
  jobs: null,
  openDatasets: null,
  streams: null,
};
const unlimited = {
  images: null,
  bytes: null,
  positionsInFlight: null,
  jobs: null,
  openDatasets: null,
  streams: null,
};
const loseRedis = async () => {
  const found = await redis.keys(`${redisPrefix}:usage:${tenant}:*`);
  if (found.length > 0) await redis.del(...found);
};
/** As if the last count were long ago. */
const ageCount = (kind: 'datasets' | 'jobs') =>
  redis.set(`${redisPrefix}:usage:${tenant}:${kind}-counted`, Date.now() - 600_000);

async function storeDataset(images: number, bytes: number): Promise<string> {
  const id = newDatasetId();
  const createdAt = new Date().toISOString();
  await putJson(store, keys.dataset(tenant, id), {
    ...{ version: 1, id, createdAt, images, bytes, refused: 0 },
  });
  await store.put(keys.image(tenant, id, 'a'.repeat(64)), 'x');
  return id;
}

async function storeJob(total: number, state: JobRecord['state'] = 'queued'): Promise<string> {
  const id = newJobId();
  const job: JobRecord = {
    ...newJobDefaults,
    id,
    dataset: newDatasetId(),
    model: { name: 'tiny', digest: 'a'.repeat(64) },
    settings: occlusionSettings.parse({}),
    positionsPerImage: 10,
    state,
    counts: { total, completed: 0, failed: 0 },
    createdAt: new Date().toISOString(),
  };
  await putJson(store, keys.job(tenant, id), job);
  await store.put(keys.activeJob(tenant, id), id);
  return id;
}

describe('what a dataset takes', () => {
  test('counts once, however often it is said', async () => {
    for (const images of [2, 4, 6]) {
      await book.reserveDataset(tenant, quotas, 'ds', { images, bytes: images });
    }
    expect(await book.read(tenant, quotas)).toMatchObject({
      images: 6,
      bytes: 6,
      positionsInFlight: 0,
    });
    await book.releaseDataset(tenant, 'ds');
    await book.releaseDataset(tenant, 'ds');
    expect(await book.read(tenant, quotas)).toMatchObject({ images: 0, bytes: 0 });
  });

  test('is refused beyond a quota, which is named with its numbers, and the rest stays', async () => {
    await book.reserveDataset(tenant, quotas, 'a', { images: 7, bytes: 10 });
    await book.reserveDataset(tenant, quotas, 'b', { images: 1, bytes: 10 });
    const refused = book.reserveDataset(tenant, quotas, 'b', { images: 4, bytes: 20 });
    await expect(refused).rejects.toMatchObject({
      code: 'quota_exceeded',
      message: 'Beyond the quota of images: at most 10, of which 7 are used, and 4 were asked for',
    });
    expect(await book.read(tenant, quotas)).toMatchObject({ images: 8, bytes: 20 });
    await book.reserveDataset(tenant, quotas, 'b', { images: 3, bytes: 20 });
    const bytes = book.reserveDataset(tenant, quotas, 'c', { images: 0, bytes: 971 });
    await expect(bytes).rejects.toThrow('bytes: at most 1000, of which 30 are used');
  });

  test('never goes beyond a quota, however many ask at once', async () => {
    const asked = Array.from({ length: 40 }, (_, index) =>
      book.reserveDataset(tenant, quotas, `ds-${index}`, { images: 3, bytes: 1 }),
    );
    const settled = await Promise.allSettled(asked);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await book.read(tenant, quotas)).toMatchObject({ images: 9 });
  });

  test('sums bytes of any size exactly', async () => {
    const large = { ...quotas, images: null, bytes: 2 ** 52 };
    await book.reserveDataset(tenant, large, 'a', { images: 1, bytes: 2 ** 52 - 1 });
    await book.reserveDataset(tenant, large, 'b', { images: 1, bytes: 1 });
    const refused = book.reserveDataset(tenant, large, 'c', { images: 1, bytes: 1 });
    await expect(refused).rejects.toThrow(`of which ${2 ** 52} are used`);
  });
});

describe('numbers of things', () => {
  const counted = { ...unlimited, jobs: 2, openDatasets: 2 };

  test('are limited by the quota, and released one by one', async () => {
    await book.reserveJob(tenant, counted, 'a', 1_000);
    await book.reserveJob(tenant, counted, 'b', 1_000);
    await expect(book.reserveJob(tenant, counted, 'c', 1)).rejects.toMatchObject({
      code: 'quota_exceeded',
      message:
        'Beyond the quota of jobs that have not ended: at most 2, of which 2 are used, and 1 were asked for',
    });
    await book.releaseJob(tenant, 'a');
    await book.reserveJob(tenant, counted, 'c', 1);
    const [first, second, third] = [newDatasetId(), newDatasetId(), newDatasetId()];
    await book.openDataset(tenant, counted, first);
    await book.openDataset(tenant, counted, second);
    await book.openDataset(tenant, counted, second);
    await expect(book.openDataset(tenant, counted, third)).rejects.toThrow('open datasets');
    // What takes nothing of a full quota is not held to it.
    await book.reserveDataset(tenant, counted, `${first}.part`, { images: 9, bytes: 9 });
    await book.completeDataset(tenant, counted, first, { images: 9, bytes: 9 });
    await book.openDataset(tenant, counted, third);
    await book.releaseDataset(tenant, second);
    expect(await book.read(tenant, counted)).toMatchObject({ jobs: 2, openDatasets: 1 });
  });

  test('are counted where Redis was lost, beside bookings of the version before', async () => {
    const open = newDatasetId();
    await putJson(store, keys.dataset(tenant, open), newDataset(open, new Date()));
    const job = await storeJob(1);
    await redis.hset(`${redisPrefix}:usage:${tenant}:jobs`, job, `${Date.now()} 10`);
    expect(await book.read(tenant, counted)).toMatchObject({ jobs: 1, openDatasets: 1 });
    const failed = { ...newDataset(open, new Date()), state: 'failed' };
    await putJson(store, keys.dataset(tenant, open), failed);
    await ageCount('datasets');
    await book.openDataset(tenant, { ...counted, openDatasets: 1 }, newDatasetId());
  });
});

describe('what the store says', () => {
  test('is counted where Redis was lost', async () => {
    await storeDataset(6, 60);
    await storeDataset(3, 30);
    await storeJob(4);
    await storeJob(100, 'completed');
    await book.reserveDataset(tenant, quotas, 'new', { images: 1, bytes: 1 });
    await loseRedis();
    expect(await book.read(tenant, quotas)).toEqual({
      images: 9,
      bytes: 90,
      positionsInFlight: 40,
      jobs: 1,
      openDatasets: 0,
    });
    const refused = book.reserveDataset(tenant, quotas, 'new', { images: 2, bytes: 1 });
    await expect(refused).rejects.toMatchObject({ code: 'quota_exceeded' });
    await expect(book.reserveJob(tenant, quotas, 'job', 461)).rejects.toThrow('of which 40');
    await book.reserveJob(tenant, quotas, 'job', 460);
  });

  test('is asked again before a refusal: what has ended is released', async () => {
    const id = await storeJob(50);
    await expect(book.reserveJob(tenant, quotas, 'next', 1)).rejects.toThrow('of which 500');
    const job = JSON.parse((await store.get(keys.job(tenant, id))).toString());
    await putJson(store, keys.job(tenant, id), { ...job, state: 'completed' });
    await store.delete(keys.activeJob(tenant, id));
    await ageCount('jobs');
    await book.reserveJob(tenant, quotas, 'next', 1);
    expect(await book.read(tenant, quotas)).toMatchObject({ positionsInFlight: 1 });
  });

  test('does not end what is only being made', async () => {
    await book.reserveJob(tenant, quotas, 'made', 400);
    await book.reserveDataset(tenant, quotas, 'uploaded', { images: 9, bytes: 9 });
    await ageCount('jobs');
    await ageCount('datasets');
    await expect(book.reserveJob(tenant, quotas, 'b', 101)).rejects.toThrow('of which 400');
    const refused = book.reserveDataset(tenant, quotas, 'b', { images: 2, bytes: 1 });
    await expect(refused).rejects.toThrow('of which 9');
  });

  test('is not asked at every refusal', async () => {
    await book.reserveJob(tenant, quotas, 'a', 500);
    let lists = 0;
    const counting = createUsageLedger(redis, {
      ...store,
      list: (...options) => {
        lists += 1;
        return store.list(...options);
      },
    });
    for (let turn = 0; turn < 20; turn++) {
      await expect(counting.reserveJob(tenant, quotas, 'b', 1)).rejects.toThrow('Beyond');
    }
    expect(lists).toBe(0);
  });
});

test('a tenant without limits has no book, and the next limit begins with a count', async () => {
  await book.reserveDataset(tenant, quotas, 'a', { images: 1, bytes: 1 });
  await book.reserveDataset(tenant, unlimited, 'b', { images: 99, bytes: 99 });
  await book.reserveJob(tenant, unlimited, 'j', 99);
  expect(await redis.keys(`${redisPrefix}:usage:${tenant}:*`)).toEqual([]);
  await storeDataset(8, 8);
  const refused = book.reserveDataset(tenant, quotas, 'c', { images: 3, bytes: 1 });
  await expect(refused).rejects.toThrow('of which 8');
});
