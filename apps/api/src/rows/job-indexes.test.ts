import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { readConfig } from '@umbra/platform/config';
import type { JobProgressStore } from '@umbra/platform/redis/job-progress';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { putRowSegment } from '@umbra/platform/store/row-segments';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createLogger } from '@umbra/platform/telemetry/logger';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import { failedRow } from '@umbra/shared/contracts/row';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { apiConfig } from '../config.js';
import { type ApiTurns, createApiTurns } from '../http/turns.js';
import { createJobIndexes, type JobIndexes } from './job-indexes.js';

const tenant = 'acme';
const error = { code: 'unprocessable', message: 'too small' } as const;
let folder: string;
let store: ObjectStore;
let turns: ApiTurns;
let indexes: JobIndexes;
let openIndexes: () => JobIndexes;
/** Rows of running jobs that are in Redis. */
let undrained: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-indexes-'));
  store = createFsStore(join(folder, 'store'));
  const env = { REDIS_URL: 'redis://127.0.0.1:1', UMBRA_ROWS_MB: '1' };
  const config = readConfig(apiConfig, env);
  turns = createApiTurns(config, new Registry());
  const logger = createLogger('test', 'silent');
  undrained = [];
  const progress = {
    readRows: async (_, { from = 0, limit = 1 } = {}) => ({
      ...{ epoch: 'first', drained: 0, rows: undrained.slice(from, from + limit) },
    }),
    listInFlight: async () => [],
  } as Partial<JobProgressStore> as JobProgressStore;
  openIndexes = () =>
    createJobIndexes({ store, progress, config, turns, logger }, join(folder, 'rows'));
  indexes = openIndexes();
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

const countIn = (
  job: JobRecord,
  { signal = new AbortController().signal, where = 'true' } = {},
): Promise<number> =>
  indexes.use({ tenant, signal }, job, ({ within, table }) =>
    within(signal, async (session) => {
      const [[count] = []] = await session.read(`SELECT count(*) FROM ${table} WHERE ${where}`);
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

test('indexes of two jobs are used in one turn, and who asks crosswise does not wait for himself', async () => {
  const [one, other] = [await writeJob(3), await writeJob(5)];
  const held: number[] = [];
  const countBoth = (pair: readonly [JobRecord, JobRecord]) => {
    const { signal } = new AbortController();
    return indexes.useBoth({ tenant, signal }, pair, (a, b) =>
      a.within(signal, async (session) => {
        held.push(turns.queries.held());
        const [counts = []] = await session.read(
          `SELECT (SELECT count(*) FROM ${a.table}), (SELECT count(*) FROM ${b.table})`,
        );
        return counts.map(Number);
      }),
    );
  };
  const asked = Array.from({ length: 24 }, (_, at) => at % 2 === 0);
  const counts = await Promise.all(
    asked.map((isForth) => countBoth(isForth ? [one, other] : [other, one])),
  );
  expect(counts).toEqual(asked.map((isForth) => (isForth ? [3, 5] : [5, 3])));
  expect(Math.max(...held)).toBeGreaterThan(0);
  expect([turns.queries.held(), turns.fills.held()]).toEqual([0, 0]);
});

test('the index of a deleted job is removed', async () => {
  const job = await writeJob(1);
  await countIn(job);
  await indexes.forget(tenant, job.id);
  expect(await listFiles()).toEqual([]);
});

test('the index of a job that another process deleted is removed within a minute', async () => {
  await indexes.close();
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    indexes = openIndexes();
    const job = await writeJob(1);
    await putJson(store, keys.job(tenant, job.id), job);
    await countIn(job);
    const { head } = store;
    let looks = 0;
    store.head = async (...asked) => {
      looks += 1;
      return head(...asked);
    };
    vi.advanceTimersByTime(60_000);
    await vi.waitFor(() => expect(looks).toBe(1));
    expect(await countIn(job)).toBe(1);
    expect(await listFiles()).toHaveLength(1);
    await store.delete(keys.job(tenant, job.id));
    vi.advanceTimersByTime(60_000);
    await vi.waitFor(async () => expect(await listFiles()).toEqual([]), { timeout: 10_000 });
  } finally {
    vi.useRealTimers();
  }
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
  const asked = countIn(job, { signal: leaving.signal });
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

const failed = { where: "state = 'failed'" };
async function deleteSegments({ id }: JobRecord): Promise<void> {
  for await (const { key } of store.list(keys.rowSegments(tenant, id))) await store.delete(key);
}

test('a job that was cancelled early has rows, however many images never ran', async () => {
  const job = await writeJob(10_010);
  await deleteSegments(job);
  for (const index of [3, 10_008])
    await putJson(store, keys.error(tenant, job.id, imageIdAt(index)), error);
  const cancelled: JobRecord = {
    ...job,
    ...{ state: 'cancelled', counts: { ...job.counts, failed: 2 } },
  };
  expect(await countIn(cancelled, failed)).toBe(2);
  expect(await countIn(cancelled)).toBe(10_010);
});

test('a job that has just ended is brought up to date at once', async () => {
  const job = await writeJob(3);
  await deleteSegments(job);
  const running: JobRecord = { ...job, state: 'in_progress' };
  undrained = [JSON.stringify(failedRow(1, imageIdAt(0), error))];
  expect(await countIn(running, failed)).toBe(1);
  const rows = [0, 1, 2].map((index) => JSON.stringify(failedRow(1, imageIdAt(index), error)));
  await putRowSegment(store, { tenant, id: job.id }, rows);
  expect(await countIn(running, failed)).toBe(1);
  // Together: what one has begun by the older record does for no other.
  const [, ended] = await Promise.all([countIn(running, failed), countIn(job, failed)]);
  expect(ended).toBe(3);
});

test('who asks for an ended job does not take what was begun while it ran', async () => {
  const job = await writeJob(3);
  undrained = [JSON.stringify(failedRow(1, imageIdAt(0), error))];
  const { stream } = store;
  let isHeld = true;
  store.stream = async (...call) => {
    while (isHeld) await sleep(5);
    return stream(...call);
  };
  await deleteSegments(job);
  const first = countIn({ ...job, state: 'in_progress' }, failed);
  await sleep(20);
  const second = countIn(job, failed);
  for (const index of [0, 1, 2])
    await putJson(store, keys.error(tenant, job.id, imageIdAt(index)), error);
  isHeld = false;
  expect(await Promise.all([first, second])).toEqual([expect.any(Number), 3]);
});

test('rows in Redis are read page by page', async () => {
  const job = await writeJob(5_000);
  await deleteSegments(job);
  undrained = Array.from({ length: 5_000 }, (_, index) =>
    JSON.stringify(failedRow(1, imageIdAt(index), error)),
  );
  expect(await countIn({ ...job, state: 'in_progress' }, failed)).toBe(5_000);
});

test('labels that were cut within a character are read, their half replaced', async () => {
  const job = await writeJob(2);
  const facts = { sha256: 'a'.repeat(64), bytes: 1, width: 8, height: 8, name: 'a.png' };
  const lines = ['cat', 'half \ud83d'].map((label, index) =>
    JSON.stringify({ version: 1, id: imageIdAt(index), ...facts, label }),
  );
  await store.put(keys.manifest(tenant, job.dataset), lines.map((line) => `${line}\n`).join(''));
  expect(await countIn(job, { where: "label IN ('cat', 'half \ufffd')" })).toBe(2);
});

test.each([
  ['is not packed', () => Buffer.from('no rows')],
  ['ends early', (bytes: Buffer) => bytes.subarray(0, bytes.length - 20)],
  ['has other lines', () => gzipSync('{"id": 3}\n[]\nno\n')],
])('rows of a segment that %s are made again', async (_, damage) => {
  const job = await writeJob(50);
  for (let index = 0; index < 50; index += 1)
    await putJson(store, keys.error(tenant, job.id, imageIdAt(index)), error);
  for await (const { key } of store.list(keys.rowSegments(tenant, job.id)))
    await store.put(key, damage(await store.get(key)));
  await putRowSegment(store, { tenant, id: job.id }, [
    JSON.stringify(failedRow(1, imageIdAt(7), { ...error, message: 'kept' })),
  ]);
  expect(await countIn(job, failed)).toBe(50);
  expect(await countIn(job, { where: `"error.message" = 'kept'` })).toBe(1);
});

test('who reads an index goes on, though the job is retried or deleted', async () => {
  const job = await writeJob(4);
  const { signal } = new AbortController();
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reading = indexes.use({ tenant, signal }, job, async ({ within, table }) => {
    await held;
    return within(signal, (session) => session.read(`SELECT count(*) FROM ${table}`));
  });
  while ((await listFiles().catch(() => [])).length === 0) await sleep(5);
  expect(await countIn({ ...job, attempt: 2, state: 'in_progress' }, failed)).toBe(0);
  await indexes.forget(tenant, job.id);
  expect(await listFiles()).toHaveLength(1);
  release();
  expect(await reading).toEqual([[4n]]);
  while ((await listFiles()).length > 0) await sleep(5);
});
