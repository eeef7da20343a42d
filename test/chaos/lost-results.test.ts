import { getJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { errorReport } from '@umbra/shared/contracts/dataset';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ResultFile } from '@umbra/shared/contracts/result';
import { imageIdAt } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { forgetfulStoreEnv } from '../support/forgetful-store.js';
import { heldWritesEnv } from '../support/held-writes.js';
import { type Stage, setStage, until, untilFinal, writeJob } from '../support/job-fixture.js';
import { readZip } from '../support/read-zip.js';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.js';

/** 49 x 49 positions: long enough to lose something meanwhile. */
const settings = { patch: 16, stride: 1 };
const images = 8;
/** Scores of 63 x 63 positions for 5 classes are too many for Redis. */
const largeSettings = { patch: 2, stride: 1, target: { kind: 'top', k: 5 } } as const;
const files = ['scores.npy', 'heatmap.png'] as const;
let stage: Stage;
let redis: Redis;
let worker: WorkerProcess | undefined;

const result = (job: JobRecord, index: number, file: ResultFile) =>
  keys.result(defaultTenant, job.id, imageIdAt(index), file);
const isDone = async (job: JobRecord, index: number) =>
  (await stage.store.head(result(job, index, 'result.json'))) !== null;
const untilDone = (job: JobRecord, index: number) =>
  until(`image ${index} to be finished`, async () => (await isDone(job, index)) || null);
const readResults = (job: JobRecord): Promise<Buffer[]> =>
  Promise.all(
    Array.from({ length: images }, (_, index) => index).flatMap((index) =>
      files.map((file) => stage.store.get(result(job, index, file))),
    ),
  );
const spawn = async (env: Record<string, string> = {}) => {
  worker = await spawnWorker({ ...stage.env, ...env });
  return worker;
};
const whole = (count: number) => ({
  state: 'completed',
  counts: { total: count, completed: count, failed: 0 },
});

beforeAll(async () => {
  stage = await setStage();
  redis = new Redis(stage.redisUrl, { maxRetriesPerRequest: null });
});
beforeEach(() => redis.flushall());
afterEach(() => worker?.end('SIGKILL'));
afterAll(async () => {
  redis?.disconnect();
  await stage?.close();
});

describe('what is lost while its job runs is made again', () => {
  /** Files of each image, from a run that nothing disturbed. */
  let expected: Buffer[];
  beforeAll(async () => {
    const { job } = await writeJob(stage, { images, settings });
    await spawn();
    await untilFinal(stage, job.id);
    expected = await readResults(job);
    await worker?.end('SIGKILL');
  });
  // Also where the hook above fails: others would meet its worker.
  afterAll(() => worker?.end('SIGKILL'));

  test.each(['result.json', 'scores.npy'] as const)('%s', async (lost) => {
    const { job } = await writeJob(stage, { images, settings });
    await spawn();
    await untilDone(job, 0);
    await stage.store.delete(result(job, 0, lost));
    expect(await untilFinal(stage, job.id)).toMatchObject(whole(images));
    expect(await readResults(job)).toEqual(expected);
  });
});

test('large results of shards that are lost before their merge are computed again', async () => {
  const { job } = await writeJob(stage, { images: 2, rowsPerShard: 63, settings: largeSettings });
  await spawn(forgetfulStoreEnv(/\/shards\/img_00000000\//, 1));
  await untilDone(job, 1);
  expect(await untilFinal(stage, job.id)).toMatchObject(whole(2));
});

describe('an image runs at most five times whose results the store loses', () => {
  const expectGivenUp = async (job: JobRecord, lost: string) => {
    expect(await untilFinal(stage, job.id)).toMatchObject({
      state: 'completed',
      counts: { total: 2, completed: 1, failed: 1 },
    });
    const error = keys.error(defaultTenant, job.id, imageIdAt(0));
    expect(await getJson(stage.store, error, errorReport)).toEqual({
      code: 'integrity',
      message: `photos/photo-0.png (img_00000000) ran 5 times, and each time the store lost its results: ${lost} the last time`,
    });
  };

  test('as those of an image', async () => {
    const { job } = await writeJob(stage, { images: 2 });
    await spawn(forgetfulStoreEnv(/\/images\/img_00000000\/scores\.npy$/));
    await expectGivenUp(job, 'scores.npy');
  });

  test('as those of its shards', async () => {
    const { job } = await writeJob(stage, { images: 2, rowsPerShard: 63, settings: largeSettings });
    await spawn(forgetfulStoreEnv(/\/shards\/img_00000000\//));
    await expectGivenUp(job, 'rows 0 to 62');
  });
});

describe('a job that fails after it has started keeps its true counts', () => {
  /** Interrupt a job whose first image is finished, and whose last is not. @returns How many are; Redis is back empty. */
  const interrupt = async (job: JobRecord): Promise<number> => {
    await spawn(heldWritesEnv(new RegExp(`/images/${imageIdAt(images - 1)}/`)));
    await untilDone(job, 0);
    await worker?.end('SIGKILL');
    await redis.flushall();
    const done = await Promise.all(
      Array.from({ length: images }, (_, index) => isDone(job, index)),
    );
    const completed = done.filter(Boolean).length;
    expect(completed).toBeLessThan(images);
    return completed;
  };

  test('and an archive of what it finished', async () => {
    const { job } = await writeJob(stage, { images, settings });
    const completed = await interrupt(job);
    const bundle = keys.modelFile(stage.model.name, stage.model.digest, 'bundle.json');
    const removed = await stage.store.get(bundle);
    await stage.store.delete(bundle);
    await spawn();
    const ended = await untilFinal(stage, job.id);
    await stage.store.put(bundle, removed);
    expect(ended).toMatchObject({ state: 'failed', error: { code: 'not_found' } });
    expect(ended.counts).toEqual({ total: images, completed, failed: 0 });
    const zip = await readZip(await stage.store.get(keys.archive(defaultTenant, job.id)));
    const heatmaps = [...zip.keys()].filter((name) => name.endsWith('/heatmap.png'));
    expect(heatmaps).toHaveLength(completed);
  });

  test('where its manifest is gone, and nothing can be archived', async () => {
    const { job } = await writeJob(stage, { images, settings });
    const completed = await interrupt(job);
    await stage.store.delete(keys.manifest(defaultTenant, job.dataset));
    await spawn();
    const ended = await untilFinal(stage, job.id);
    expect(ended).toMatchObject({ state: 'failed', error: { code: 'not_found' } });
    expect(ended.counts).toEqual({ total: images, completed, failed: 0 });
  });
});
