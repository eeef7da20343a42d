import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '@umbra/platform/config';
import type { JobProgressStore } from '@umbra/platform/redis/job-progress';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { keys } from '@umbra/platform/store/keys';
import { putRowSegment } from '@umbra/platform/store/row-segments';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createLogger } from '@umbra/platform/telemetry/logger';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import { failedRow } from '@umbra/shared/contracts/row';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { apiConfig } from '../config.js';
import { type ApiTurns, createApiTurns } from '../http/turns.js';
import { createJobIndexes, type JobIndexes } from './job-indexes.js';

const tenant = 'acme';
const error = { code: 'unprocessable', message: 'too small' } as const;
let folder: string;
let store: ObjectStore;
let turns: ApiTurns;
let indexes: JobIndexes;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-indexes-'));
  store = createFsStore(join(folder, 'store'));
  const env = { REDIS_URL: 'redis://127.0.0.1:1', UMBRA_ROWS_MB: '1' };
  const config = readConfig(apiConfig, env);
  turns = createApiTurns(config, new Registry());
  const logger = createLogger('test', 'silent');
  // Jobs that have ended need nothing of Redis.
  const progress = {} as JobProgressStore;
  indexes = createJobIndexes({ store, progress, config, turns, logger }, join(folder, 'rows'));
});
afterEach(async () => {
  await indexes.close();
  await rm(folder, { recursive: true, force: true });
});

/** An ended job, all of whose images failed. */
async function writeJob(images: number): Promise<JobRecord> {
  const [id, dataset] = [newJobId(), newDatasetId()];
  const ids = Array.from({ length: images }, (_, index) => imageIdAt(index));
  const facts = { sha256: 'a'.repeat(64), bytes: 1, width: 8, height: 8, name: 'a.png' };
  const lines = ids.map((image) => `${JSON.stringify({ version: 1, id: image, ...facts })}\n`);
  await store.put(keys.manifest(tenant, dataset), lines.join(''));
  const rows = ids.map((image) => JSON.stringify(failedRow(1, image, error)));
  await putRowSegment(store, { tenant, id }, rows);
  return {
    ...newJobDefaults,
    ...{ id, dataset, model: { name: 'net', digest: 'a'.repeat(64) }, state: 'failed' },
    settings: occlusionSettings.parse({}),
    counts: { total: images, completed: 0, failed: images },
    createdAt: new Date().toISOString(),
  };
}

const countIn = (job: JobRecord, signal = new AbortController().signal): Promise<number> =>
  indexes.use({ tenant, signal }, job, ({ within, table }) =>
    within(signal, async (session) => {
      const [[count] = []] = await session.read(`SELECT count(*) FROM ${table}`);
      return Number(count);
    }),
  );

async function listFiles(): Promise<string[]> {
  const [own = ''] = await readdir(join(folder, 'rows'));
  const names = await readdir(join(folder, 'rows', own));
  return names.filter((name) => name.endsWith('.duckdb'));
}

test('indexes stay within their limit of disk: what was asked for longest ago goes', async () => {
  const jobs = [await writeJob(2_000), await writeJob(3_000), await writeJob(4_000)];
  for (const job of jobs) await countIn(job);
  for (let tries = 0; (await listFiles()).length > 1 && tries < 200; tries += 1) await sleep(20);
  expect((await listFiles()).length).toBeLessThanOrEqual(1);
  // It is made again.
  expect(await Promise.all(jobs.map((job) => countIn(job)))).toEqual([2_000, 3_000, 4_000]);
});

test('the index of a deleted job is removed', async () => {
  const job = await writeJob(1);
  await countIn(job);
  await indexes.forget(tenant, job.id);
  expect(await listFiles()).toEqual([]);
});

test('an index is no longer made once those who asked for it have left', async () => {
  const job = await writeJob(1);
  const { stream } = store;
  let reads = 0;
  store.stream = (_key, _range, signal) =>
    new Promise((_resolve, reject) => {
      reads += 1;
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  const leaving = new AbortController();
  const asked = countIn(job, leaving.signal);
  asked.catch(() => undefined);
  while (reads === 0) await sleep(5);
  expect(turns.fills.held()).toBe(1);
  leaving.abort(new Error('left'));
  await expect(asked).rejects.toThrow('left');
  while (turns.fills.held() > 0) await sleep(5);
  store.stream = stream;
  expect(await countIn(job)).toBe(1);
});

test('a job whose dataset is gone has no rows', async () => {
  const job = await writeJob(1);
  await store.delete(keys.manifest(tenant, job.dataset));
  await expect(countIn(job)).rejects.toMatchObject({ code: 'not_found' });
});

test('too many rows that were never kept are refused', async () => {
  const job = await writeJob(10_001);
  for await (const { key } of store.list(keys.rowSegments(tenant, job.id))) await store.delete(key);
  await expect(countIn(job)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('at most 10000 images (got 10001)'),
  });
});
