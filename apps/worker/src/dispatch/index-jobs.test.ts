import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { unavailable } from '@umbra/shared/errors';
import { newDatasetId, newJobId } from '@umbra/shared/ids';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createJobIndexer } from './index-jobs.js';

let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-index-'));
  store = createFsStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A job of before there was an index. */
async function writeOld(tenant: string): Promise<JobRecord> {
  const job: JobRecord = {
    ...newJobDefaults,
    id: newJobId(),
    dataset: newDatasetId(),
    model: { name: 'tiny', digest: '0'.repeat(64) },
    settings: occlusionSettings.parse({}),
    state: 'completed',
    counts: { total: 1, completed: 1, failed: 0 },
    createdAt: new Date().toISOString(),
  };
  await putJson(store, keys.job(tenant, job.id), job);
  return job;
}

const indexer = (of: ObjectStore = store) => {
  const logger = { info: () => undefined, warn: () => undefined };
  const services = { store: of, logger, closing: new AbortController().signal };
  return createJobIndexer(services as unknown as Parameters<typeof createJobIndexer>[0]);
};
async function entriesOf(tenant: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(keys.jobIndex(tenant))) found.push(key);
  return found;
}

test('the jobs of every tenant get their entries, once', async () => {
  const jobs = new Map<string, JobRecord[]>();
  for (const tenant of ['acme', 'globex']) {
    jobs.set(tenant, [await writeOld(tenant), await writeOld(tenant)]);
  }
  await indexer()();
  for (const [tenant, made] of jobs) {
    expect(await entriesOf(tenant)).toEqual(made.map((job) => keys.jobEntry(tenant, job)).sort());
  }
  // Another leader does not go through them again.
  const late = await writeOld('acme');
  await indexer()();
  expect(await entriesOf('acme')).not.toContain(keys.jobEntry('acme', late));
});

test('what a store that was away kept back is done at the next call', async () => {
  const job = await writeOld('acme');
  let isAway = true;
  const flaky: ObjectStore = {
    ...store,
    async put(key, body) {
      if (isAway) throw unavailable('away');
      await store.put(key, body);
    },
  };
  const run = indexer(flaky);
  await run();
  expect(await entriesOf('acme')).toEqual([]);
  isAway = false;
  await run();
  expect(await entriesOf('acme')).toEqual([keys.jobEntry('acme', job)]);
});
