import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobLive, Progress } from '@umbra/platform/redis/job-progress';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { deleteJob, putJobEntry } from '@umbra/platform/store/job-records';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createCache } from '@umbra/shared/cache';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { newDatasetId, newJobId } from '@umbra/shared/ids';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { jobsQuery, listJobs } from './list-jobs.js';

const tenant = 'acme';
const startMs = Date.parse('2026-01-02T03:04:05.678Z');
let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-jobs-'));
  store = createFsStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Write a job that was made so many seconds after the first. */
async function write(second: number, changes: Partial<JobRecord> = {}): Promise<JobRecord> {
  const job: JobRecord = {
    ...newJobDefaults,
    id: newJobId(),
    dataset: newDatasetId(),
    model: { name: 'tiny', digest: '0'.repeat(64) },
    settings: occlusionSettings.parse({}),
    state: 'completed',
    counts: { total: 1, completed: 1, failed: 0 },
    createdAt: new Date(startMs + second * 1000).toISOString(),
    ...changes,
  };
  await putJobEntry(store, tenant, job);
  await putJson(store, keys.job(tenant, job.id), job);
  return job;
}

const paused: JobLive = {
  ...{ progress: null, isCancelled: false, isPaused: true, inFlight: 0 },
  positionsPerSecond: null,
  undrained: 0,
};
const list = (query: Record<string, unknown>) =>
  listJobs(
    {
      store,
      progress: { readAll: async () => [paused] },
      toldProgress: createCache<Progress>({ maxEntries: 10 }),
      formatOf: async () => 'onnx',
      workerRegistry: { list: async () => [] },
    } as unknown as Parameters<typeof listJobs>[0],
    tenant,
    jobsQuery.parse(query),
  );

/** All pages of a query, and how many there were. */
async function listAll(query: Record<string, unknown>) {
  const ids: string[] = [];
  let pages = 0;
  for (let cursor: string | null = null; pages === 0 || cursor !== null; pages++) {
    const page: Awaited<ReturnType<typeof list>> = await list({
      ...query,
      ...(cursor === null ? {} : { cursor }),
    });
    expect(page.data.length).toBeLessThanOrEqual(Number(query.limit ?? 20));
    ids.push(...page.data.map(({ id }) => id));
    cursor = page.next_cursor;
  }
  return { ids, pages };
}

test('the newest come first, page by page, whatever their ids', async () => {
  const jobs: JobRecord[] = [];
  for (let second = 0; second < 7; second++) jobs.push(await write(second));
  const newest = jobs.map(({ id }) => id).toReversed();
  expect(await listAll({ order: 'newest', limit: 3 })).toEqual({ ids: newest, pages: 3 });
  expect(await listAll({ order: 'newest', limit: 7 })).toEqual({ ids: newest, pages: 1 });
  expect((await listAll({ limit: 2 })).ids).toEqual(newest.toSorted());
});

test('filters let through what they say, and find all of it over bounded pages', async () => {
  const wanted: string[] = [];
  for (let second = 0; second < 60; second++) {
    const isWanted = second % 7 === 0;
    const { id } = await write(second, {
      ...(isWanted && { state: 'failed', metadata: { owner: 'Ada' } }),
    });
    if (isWanted) wanted.unshift(id);
  }
  const byState = await listAll({ order: 'newest', state: 'failed', limit: 4 });
  expect(byState).toEqual({ ids: wanted, pages: 3 });
  expect((await listAll({ order: 'newest', text: 'ADA' })).ids).toEqual(wanted);
  expect((await listAll({ text: wanted[0] })).ids).toEqual([wanted[0]]);
  expect((await listAll({ order: 'newest', text: 'ada', state: 'completed' })).ids).toEqual([]);
  expect((await listAll({ order: 'newest', text: 'tin' })).ids).toHaveLength(60);
});

test('a page under a filter looks at so many jobs, and has a next one', async () => {
  const sought = await write(-1, { metadata: { which: 'sought' } });
  await Promise.all(Array.from({ length: 520 }, (_, second) => write(second)));
  const first = await list({ order: 'newest', text: 'sought' });
  expect(first.data).toEqual([]);
  expect(first.next_cursor).not.toBeNull();
  expect((await listAll({ order: 'newest', text: 'sought' })).ids).toEqual([sought.id]);
});

test('the state is the one that is told, not the one that is stored', async () => {
  const { id } = await write(0, { state: 'in_progress' });
  expect((await listAll({ order: 'newest', state: 'paused' })).ids).toEqual([id]);
  expect((await listAll({ order: 'newest', state: 'in_progress' })).ids).toEqual([]);
});

test('a deleted job leaves the list, and an entry that a dead process left goes', async () => {
  const [gone, kept] = [await write(0), await write(1)];
  await deleteJob(store, tenant, gone);
  const stray = { id: newJobId(), createdAt: new Date(startMs).toISOString() };
  const young = { id: newJobId(), createdAt: new Date().toISOString() };
  await putJobEntry(store, tenant, stray);
  await putJobEntry(store, tenant, young);
  expect((await listAll({ order: 'newest' })).ids).toEqual([kept.id]);
  const entries: string[] = [];
  for await (const { key } of store.list(keys.jobIndex(tenant))) entries.push(key);
  expect(entries).toEqual([young, kept].map((job) => keys.jobEntry(tenant, job)));
});

test('a cursor of another order is none', async () => {
  await write(0);
  const { id } = await write(1);
  const page = await list({ order: 'newest', limit: 1 });
  for (const query of [
    { order: 'newest', cursor: id },
    { order: 'id', cursor: page.next_cursor },
  ]) {
    await expect(list(query)).rejects.toMatchObject({
      ...{ code: 'invalid_input', message: 'cursor: Expected a next_cursor' },
    });
  }
});
