import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJobProgressStore, type JobProgressStore } from '@umbra/platform/redis/job-progress';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { readRowEndings } from '@umbra/platform/store/row-segments';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createLogger } from '@umbra/platform/telemetry/logger';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import { failedRow } from '@umbra/shared/contracts/row';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { cleanUp, type JobEndServices } from './job-record.js';

const tenant = 'acme';
let folder: string;
let redis: Redis;
let store: ObjectStore;
let progress: JobProgressStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-record-'));
  redis = new Redis(inject('redisUrl'));
  store = createFsStore(folder);
  progress = createJobProgressStore(redis);
});
afterEach(async () => {
  redis.disconnect();
  await rm(folder, { recursive: true, force: true });
});

test('rows that come after the last drain of an ended job are in the store, too', async () => {
  const job: JobRecord = {
    ...newJobDefaults,
    ...{ id: newJobId(), dataset: newDatasetId(), model: { name: 'net', digest: 'a'.repeat(64) } },
    ...{ state: 'completed', settings: occlusionSettings.parse({}) },
    counts: { total: 3, completed: 0, failed: 3 },
    createdAt: new Date().toISOString(),
  };
  const fail = (index: number) => {
    const row = failedRow(1, imageIdAt(index), { code: 'unprocessable', message: 'too small' });
    return progress.finishImage(job.id, index, 'failed', JSON.stringify(row));
  };
  const late = [1, 2];
  const services = {
    ...{ store, logger: createLogger('test', 'silent') },
    progress: {
      ...progress,
      // A merge ends just after Redis has said that it holds no more rows.
      readRows: async (...asked: Parameters<JobProgressStore['readRows']>) => {
        const found = await progress.readRows(...asked);
        const index = found.rows.length === 0 ? late.shift() : undefined;
        if (index !== undefined) await fail(index);
        return found;
      },
    },
    events: { add: async () => undefined },
    usage: { releaseJob: async () => undefined },
    metrics: { recordJobEnd: () => undefined },
  } as unknown as JobEndServices;
  await progress.register(tenant, job.id);
  await fail(0);
  await cleanUp(services, { tenant, job }, 'completed');
  const kept: string[] = [];
  for await (const { id } of readRowEndings(store, { tenant, id: job.id })) kept.push(id);
  expect(kept).toEqual([0, 1, 2].map(imageIdAt));
  expect((await progress.listRegistered()).has(job.id)).toBe(false);
  expect(await progress.isFinished(job.id, 0)).toBe(false);
});
