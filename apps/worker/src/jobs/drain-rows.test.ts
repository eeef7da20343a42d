import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJobProgressStore, type JobProgressStore } from '@umbra/platform/redis/job-progress';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { readRowEndings } from '@umbra/platform/store/row-segments';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createLogger } from '@umbra/platform/telemetry/logger';
import { newJobDefaults } from '@umbra/shared/contracts/job';
import { failedRow } from '@umbra/shared/contracts/row';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createRowDrains } from '../dispatch/row-drains.js';
import { drainRows, maxSegmentRows } from './drain-rows.js';
import { openStoredRows } from './stored-rows.js';

const tenant = 'acme';
const error = { code: 'unprocessable', message: 'too small' } as const;
let folder: string;
let redis: Redis;
let store: ObjectStore;
let progress: JobProgressStore;
let id: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-drain-'));
  redis = new Redis(inject('redisUrl'));
  store = createFsStore(folder);
  progress = createJobProgressStore(redis);
  id = newJobId();
});
afterEach(async () => {
  await progress.remove(id);
  redis.disconnect();
  await rm(folder, { recursive: true, force: true });
});

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

const fail = (index: number, attempt = 1) => {
  const row = JSON.stringify(failedRow(attempt, imageIdAt(index), error));
  return progress.finishImage(id, index, 'failed', row);
};
const segments = () => collect(store.list(keys.rowSegments(tenant, id)));
const endings = async () =>
  (await collect(readRowEndings(store, { tenant, id }))).map((row) => row.id);
const job = {
  tenant,
  get id() {
    return id;
  },
};

describe('rows that are drained', () => {
  test('are in the store and no longer in Redis, each once', async () => {
    for (const index of [0, 1, 2]) await fail(index);
    await drainRows({ store, progress }, job);
    await drainRows({ store, progress }, job);
    expect(await endings()).toEqual([0, 1, 2].map(imageIdAt));
    expect(await segments()).toHaveLength(1);
    expect(await progress.readRows(id)).toMatchObject({ drained: 3, rows: [] });
  });

  test('lie in segments of a bounded size', async () => {
    const finished = Array.from({ length: maxSegmentRows + 1 }, (_, index) => fail(index));
    await Promise.all(finished);
    await drainRows({ store, progress }, job);
    expect(await segments()).toHaveLength(2);
    expect(new Set(await endings()).size).toBe(maxSegmentRows + 1);
  });

  test('are in two segments where a process died before it forgot them, and none is lost', async () => {
    for (const index of [0, 1]) await fail(index);
    const dying = { ...progress, dropRows: () => Promise.reject(new Error('killed')) };
    await expect(drainRows({ store, progress: dying }, job)).rejects.toThrow('killed');
    await fail(2);
    await drainRows({ store, progress }, job);
    expect(await endings()).toEqual([0, 1, 0, 1, 2].map(imageIdAt));
    expect((await progress.readRows(id)).rows).toEqual([]);
  });

  test('are all kept where two drain at once', async () => {
    for (let index = 0; index < 50; index += 1) await fail(index);
    const adding = (async () => {
      for (let index = 50; index < 100; index += 1) await fail(index);
    })();
    await Promise.all([1, 2, 3].map(() => drainRows({ store, progress }, job)));
    await adding;
    await drainRows({ store, progress }, job);
    expect(new Set(await endings()).size).toBe(100);
  });
});

test('a running job is drained once its rows are many or have waited, and again after a fault', async () => {
  const logger = createLogger('test', 'silent');
  const drains = createRowDrains({ store, progress, logger });
  await fail(0);
  expect(drains.visit(job, 1, 1_000)).toBe(61_000);
  expect(drains.visit(job, 1, 60_999)).toBe(61_000);
  await drains.settle();
  expect(await segments()).toEqual([]);
  const { put } = store;
  store.put = () => Promise.reject(new Error('away'));
  drains.visit(job, 1, 61_000);
  await drains.settle();
  store.put = put;
  expect(drains.visit(job, maxSegmentRows, 61_001)).toBeGreaterThan(Date.now());
  drains.visit(job, maxSegmentRows, Date.now() + 10_000);
  await drains.settle();
  expect(await endings()).toEqual([imageIdAt(0)]);
  expect(drains.visit(job, 0, 62_000)).toBe(Number.POSITIVE_INFINITY);
});

test('rows that Redis lost are made from the store, and only those', async () => {
  const record = {
    ...newJobDefaults,
    ...{ id, dataset: newDatasetId(), model: { name: 'net', digest: 'a'.repeat(64) }, attempt: 2 },
    settings: occlusionSettings.parse({}),
    counts: { total: 3, completed: 0, failed: 0 },
    createdAt: new Date().toISOString(),
  };
  for (const index of [0, 1, 2])
    await putJson(store, keys.error(tenant, id, imageIdAt(index)), error);
  await fail(1, 2);
  // A row of an earlier attempt is none of this one.
  await fail(2, 1);
  await drainRows({ store, progress }, job);
  const logger = createLogger('test', 'silent');
  const rows = await openStoredRows({ store, logger }, { tenant, job: record });
  const found = await collect(rows.ofErrors());
  expect(found.map(({ image, row }) => [image, row && JSON.parse(row)])).toEqual([
    [imageIdAt(0), failedRow(2, imageIdAt(0), error)],
    [imageIdAt(1), null],
    [imageIdAt(2), failedRow(2, imageIdAt(2), error)],
  ]);
});
