import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { JobLive } from '@umbra/platform/redis/job-progress';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { newDatasetId, newJobId } from '@umbra/shared/ids';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPolledJobs, type PolledJobs } from './polled-jobs.js';

const tenant = 'acme';
const running: JobLive = {
  progress: {
    ...{ cursor: { index: 1, offset: 10 }, completed: 1, failed: 0, positions: 9 },
    startedAtMs: 1,
  },
  isCancelled: false,
  isPaused: false,
  inFlight: 1,
  positionsPerSecond: null,
  undrained: 0,
};

let folder: string;
let store: ObjectStore;
let job: JobRecord;
let live: JobLive;
const readAll = vi.fn(async (ids: readonly string[]) => ids.map(() => live));
let polledJobs: PolledJobs;
const poll = () => polledJobs.sample(tenant, job.id);
const write = (changes: Partial<JobRecord>) =>
  putJson(store, keys.job(tenant, job.id), { ...job, ...changes });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-polled-'));
  const opened = createFsStore(folder);
  store = { ...opened, get: vi.fn(opened.get) };
  live = running;
  readAll.mockClear();
  polledJobs = createPolledJobs(store, { readAll });
  job = {
    ...newJobDefaults,
    id: newJobId(),
    dataset: newDatasetId(),
    model: { name: 'tiny', digest: '0'.repeat(64) },
    settings: occlusionSettings.parse({}),
    state: 'in_progress',
    counts: { total: 3, completed: 0, failed: 0 },
    createdAt: new Date().toISOString(),
  };
  await write({});
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a hundred polls at once share one read of the record and one of Redis', async () => {
  const samples = await Promise.all(Array.from({ length: 100 }, poll));
  expect(new Set(samples.map((sample) => sample.live))).toEqual(new Set([running]));
  expect(store.get).toHaveBeenCalledTimes(1);
  expect(readAll).toHaveBeenCalledTimes(1);
});

test('Redis is not asked about a job that has ended', async () => {
  await write({ state: 'completed' });
  expect(await poll()).toMatchObject({ job: { state: 'completed' }, live: null });
  expect(readAll).not.toHaveBeenCalled();
});

test('a record whose progress is gone is read again: its job may have ended since', async () => {
  live = { ...running, progress: null };
  readAll.mockImplementationOnce(async (ids) => {
    await write({ state: 'completed' });
    return ids.map(() => live);
  });
  expect((await poll()).job.state).toBe('completed');
});

test('what was changed is told at once, and what was deleted is unknown', async () => {
  await write({ state: 'completed' });
  await poll();
  await write({ state: 'queued', attempt: 2 });
  polledJobs.forget(tenant, job.id);
  expect((await poll()).job).toMatchObject({ state: 'queued', attempt: 2 });
  live = { ...running, isCancelled: true };
  polledJobs.forget(tenant, job.id);
  expect((await poll()).live?.isCancelled).toBe(true);
  await store.delete(keys.job(tenant, job.id));
  polledJobs.forget(tenant, job.id);
  await expect(poll()).rejects.toMatchObject({ code: 'not_found' });
});

test('a read that began before a change is given to nobody after it', async () => {
  readAll.mockImplementationOnce(async (ids) => {
    await setImmediate();
    live = { ...running, isCancelled: true };
    polledJobs.forget(tenant, job.id);
    return ids.map(() => running);
  });
  expect((await poll()).live?.isCancelled).toBe(false);
  expect((await poll()).live?.isCancelled).toBe(true);
});
