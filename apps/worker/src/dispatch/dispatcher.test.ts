import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readVerifiedBundle } from '@umbra/engine';
import { writeTinyBundle } from '@umbra/engine/testing';
import { readConfig } from '@umbra/platform/config';
import { createJobProgressStore, type JobProgressStore } from '@umbra/platform/redis/job-progress';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { getJson, putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { publishModel } from '@umbra/platform/store/models';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createLogger } from '@umbra/platform/telemetry/logger';
import { type JobRecord, newJobDefaults, storedJob } from '@umbra/shared/contracts/job';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { newDatasetId, newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { workerConfig } from '../config.js';
import { createDispatcher } from './dispatcher.js';

const tenant = defaultTenant;
const snapshot = {
  inferenceThreads: { shard: 0, shardTfjs: 0 },
  setAside: new Map(),
  measured: new Map(),
  weightOf: () => 1,
};

let folder: string;
let redis: Redis;
let progress: JobProgressStore;
let store: ObjectStore;
let job: JobRecord;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-dispatcher-'));
  // A dispatcher looks after every job that is registered: those of other tests are in database 0.
  redis = new Redis(inject('redisUrl'), { db: 1 });
  progress = createJobProgressStore(redis);
  store = createFsStore(join(folder, 'store'));
  const bundle = await writeTinyBundle(folder);
  const { name, digest } = await publishModel(store, bundle, await readVerifiedBundle(bundle));
  job = {
    ...newJobDefaults,
    id: newJobId(),
    dataset: newDatasetId(),
    model: { name, digest },
    settings: occlusionSettings.parse({}),
    counts: { total: 1, completed: 0, failed: 0 },
    createdAt: new Date().toISOString(),
  };
});
afterEach(async () => {
  await progress.remove(job.id);
  await progress.revive(job.id);
  redis.disconnect();
  await rm(folder, { recursive: true, force: true });
});

function openDispatcher(seen: ObjectStore) {
  const config = readConfig(workerConfig, {
    REDIS_URL: inject('redisUrl'),
    UMBRA_STORE_DIR: join(folder, 'store'),
  });
  const logger = createLogger('test', 'silent');
  const services = { store: seen, progress, config, logger };
  return createDispatcher(services as unknown as Parameters<typeof createDispatcher>[0]);
}

test('a job whose record appears just after it was looked for is tried again', async () => {
  const key = keys.job(tenant, job.id);
  const late: ObjectStore = {
    ...store,
    get: (asked) =>
      store.get(asked).catch(async (error: unknown) => {
        if (asked === key) await putJson(store, key, job);
        throw error;
      }),
  };
  await store.put(keys.activeJob(tenant, job.id), '');
  // What loading tells Redis shows that the job was loaded.
  const requestedAt = new Date().toISOString();
  await putJson(store, keys.cancellation(tenant, job.id), { requestedAt });
  await progress.register(tenant, job.id);
  const dispatcher = openDispatcher(late);
  await dispatcher.tick(snapshot);
  await dispatcher.settle();
  expect((await getJson(store, key, storedJob)).state).toBe('queued');
  expect(await store.head(keys.activeJob(tenant, job.id))).not.toBeNull();
  await vi.waitUntil(
    async () => {
      await dispatcher.tick(snapshot);
      await dispatcher.settle();
      return progress.isCancelled(job.id);
    },
    { timeout: 10_000 },
  );
});

test('a job that waits is read again only when it is told of', async () => {
  const paused = { ...job, state: 'paused', pausedAt: new Date().toISOString() } as const;
  await putJson(store, keys.job(tenant, job.id), paused);
  await store.put(keys.activeJob(tenant, job.id), '');
  await store.put(keys.pause(tenant, job.id), '');
  await progress.register(tenant, job.id);
  await progress.setPaused(job.id, true);
  await progress.start(job.id, Date.now());
  const read = vi.spyOn(progress, 'readAll');
  const dispatcher = openDispatcher(store);
  const settled = async () => {
    for (let round = 0; round < 10; round += 1) {
      await dispatcher.tick(snapshot);
      await dispatcher.settle();
    }
  };
  await settled();
  const looks = () => read.mock.calls.filter(([ids]) => ids.includes(job.id)).length;
  const first = looks();
  expect(first).toBeGreaterThan(0);
  await settled();
  expect(looks()).toBe(first);
  await progress.finishImage(job.id, 0, 'completed', null);
  await settled();
  expect(looks()).toBeGreaterThan(first);
});

test('a job that is registered no more is forgotten', async () => {
  const dispatcher = openDispatcher(store);
  await progress.register(tenant, job.id);
  await dispatcher.tick(snapshot);
  await dispatcher.settle();
  expect([...dispatcher.tenants()]).toEqual([tenant]);
  await progress.unregister(job.id);
  await dispatcher.tick(snapshot);
  expect([...dispatcher.tenants()]).toEqual([]);
});
