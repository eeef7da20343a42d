import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJobProgressStore } from '@umbra/platform/redis/job-progress';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { getJson, putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createLogger } from '@umbra/platform/telemetry/logger';
import { errorReport } from '@umbra/shared/contracts/dataset';
import { newJobDefaults } from '@umbra/shared/contracts/job';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import type { MergePayload } from '@umbra/shared/contracts/shard';
import { newDatasetId, newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { type ImageServices, recordFailure } from './finish-image.js';

const tenant = 'acme';
const sha256 = 'a'.repeat(64);
let folder: string;
let redis: Redis;
let store: ObjectStore;
let services: ImageServices;
let image: MergePayload;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-finish-'));
  redis = new Redis(inject('redisUrl'));
  store = createFsStore(join(folder, 'store'));
  services = {
    store,
    progress: createJobProgressStore(redis),
    events: { add: async () => undefined } as never,
    logger: createLogger('test', 'silent'),
  };
  const job = {
    ...newJobDefaults,
    id: newJobId(),
    dataset: newDatasetId(),
    model: { name: 'net', digest: sha256 },
    settings: occlusionSettings.parse({}),
    counts: { total: 1, completed: 0, failed: 0 },
    createdAt: new Date().toISOString(),
    state: 'in_progress' as const,
  };
  await putJson(store, keys.job(tenant, job.id), job);
  const { id: jobId, dataset, model, settings, outputs, attempt } = job;
  const item = { version: 1, id: 'img_00000000', name: 'a.png', sha256 } as const;
  image = {
    ...{ version: 3, tenant, jobId, dataset, model, settings, outputs, attempt, reuse: false },
    item: { ...item, bytes: 1, width: 8, height: 8 },
  };
});
afterEach(async () => {
  await services.progress.remove(image.jobId);
  redis.disconnect();
  await rm(folder, { recursive: true, force: true });
});

const error = { code: 'internal', message: 'after the results were written' } as const;
const outcome = async () => {
  await services.progress.start(image.jobId, 1);
  const { completed, failed } = (await services.progress.read(image.jobId)) ?? {};
  return { completed, failed };
};

test('an image whose results are written is complete, whatever failed after that', async () => {
  await store.put(keys.result(tenant, image.jobId, image.item.id, 'result.json'), '{}');
  expect(await recordFailure(services, image, error)).toEqual({ tenant, image: 'completed' });
  expect(await outcome()).toEqual({ completed: 1, failed: 0 });
  expect(await store.head(keys.error(tenant, image.jobId, image.item.id))).toBeNull();
});

test('an image without results fails once, with its reason', async () => {
  expect(await recordFailure(services, image, error)).toEqual({ tenant, image: 'failed' });
  expect(await recordFailure(services, image, error)).toEqual({ tenant });
  expect(await outcome()).toEqual({ completed: 0, failed: 1 });
  const key = keys.error(tenant, image.jobId, image.item.id);
  expect(await getJson(store, key, errorReport)).toEqual(error);
});
