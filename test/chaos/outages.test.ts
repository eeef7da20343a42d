import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { imageIdAt } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Stage, setStage, until, untilFinal, writeJob } from '../support/job-fixture.js';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.js';

/** 49 x 49 positions: long enough for an outage to fall into the work. */
const settings = { patch: 16, stride: 1 };
const images = 12;
const files = ['scores.npy', 'heatmap.png'] as const;
let stage: Stage;
let redis: Redis;
let worker: WorkerProcess;
/** Files of each image, from a run that nothing disturbed. */
let expected: Buffer[];

const result = (job: string, index: number, file: 'result.json' | (typeof files)[number]) =>
  keys.result(defaultTenant, job, imageIdAt(index), file);
const readResults = (store: ObjectStore, job: string): Promise<Buffer[]> =>
  Promise.all(
    Array.from({ length: images }, (_, index) => index).flatMap((index) =>
      files.map((file) => store.get(result(job, index, file))),
    ),
  );
const untilUnderWay = (job: string) =>
  until('an image to be finished', async () =>
    (await stage.store.head(result(job, 0, 'result.json'))) === null ? null : true,
  );
const expectWhole = async (job: string): Promise<void> => {
  const ended = await untilFinal(stage, job);
  expect(ended).toMatchObject({ state: 'completed' });
  expect(ended.counts).toEqual({ total: images, completed: images, failed: 0 });
  expect(await readResults(stage.store, job)).toEqual(expected);
};

beforeAll(async () => {
  stage = await setStage();
  redis = new Redis(stage.redisUrl, { maxRetriesPerRequest: null });
  const { job } = await writeJob(stage, { images, settings });
  worker = await spawnWorker(stage.env);
  await untilFinal(stage, job.id);
  expected = await readResults(stage.store, job.id);
  await worker.end('SIGKILL');
});
beforeEach(async () => {
  await redis.flushall();
  worker = await spawnWorker(stage.env);
});
afterEach(() => worker.end('SIGKILL'));
afterAll(async () => {
  redis?.disconnect();
  await stage?.close();
});

// A Redis that refuses writes cannot record a spent attempt either: that none is spent is tested beside `PatientWorker`.
test('a Redis that is out of memory for a while costs no image', async () => {
  const { job } = await writeJob(stage, { images, settings });
  await untilUnderWay(job.id);
  await redis.config('SET', 'maxmemory', '1');
  await sleep(15_000);
  await redis.config('SET', 'maxmemory', '0');
  await expectWhole(job.id);
});

test('a Redis that refuses every write for a while costs no image', async () => {
  const { job } = await writeJob(stage, { images, settings });
  await untilUnderWay(job.id);
  await redis.config('SET', 'min-replicas-to-write', '1');
  await sleep(12_000);
  await redis.config('SET', 'min-replicas-to-write', '0');
  await expectWhole(job.id);
});

test('a store whose volume is away for a while costs no image', async () => {
  const { job } = await writeJob(stage, { images, settings });
  await untilUnderWay(job.id);
  const folder = stage.env.UMBRA_STORE_DIR ?? '';
  await rename(folder, `${folder}-away`);
  await sleep(12_000);
  await rename(`${folder}-away`, folder);
  await expectWhole(job.id);
});

test('a manifest that is missing for a moment does not end its job', async () => {
  const { job } = await writeJob(stage, { images, settings });
  await untilUnderWay(job.id);
  const key = keys.manifest(defaultTenant, job.dataset);
  const manifest = await stage.store.get(key);
  await stage.store.delete(key);
  await redis.flushall();
  await sleep(3_000);
  await stage.store.put(key, manifest);
  await expectWhole(job.id);
});
