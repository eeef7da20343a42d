import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createJobProgressStore } from '@umbra/platform/redis/job-progress';
import { createWorkerRegistry } from '@umbra/platform/redis/worker-registry';
import { getJson, putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { type JobStatus, storedJob } from '@umbra/shared/contracts/job';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRedis } from '../../scripts/lib/redis.mjs';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
} from '../support/service.js';

let service: TestService;
let second: Awaited<ReturnType<typeof startRedis>> | undefined;
let redis: Redis;
let job: string;
const images = 20;

beforeAll(async () => {
  service = await startService();
  const dataset = await uploadPhotos(service.url, await makePhotos(images));
  const settings = { patch: 8, stride: 2 };
  job = await submitJob(service.url, { dataset, model: 'tiny', settings });
  redis = new Redis(service.redis.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
});
afterAll(async () => {
  redis.disconnect();
  await service.close();
  await second?.stop();
});

const readJob = () => getJson(service.store, keys.job(defaultTenant, job), storedJob);

const beat = (): Promise<void> =>
  createWorkerRegistry(redis).heartbeat({
    ...{ id: 'w', formats: ['onnx'], inferenceThreads: 1 },
    backends: { onnx: 'onnxruntime cpu' },
  });

/** What a worker and a dispatcher would do, by the clock of this test. */
async function begin(): Promise<void> {
  await beat();
  await putJson(service.store, keys.job(defaultTenant, job), {
    ...(await readJob()),
    state: 'in_progress',
    startedAt: new Date().toISOString(),
  });
  await createJobProgressStore(redis).start(job, Date.now());
}

async function poll(): Promise<JobStatus> {
  for (;;) {
    const response = await fetch(`${service.url}/v1/jobs/${job}`);
    if (response.status === 200) return (await response.json()) as JobStatus;
    await sleep(100);
  }
}

/** Count so many positions of an image's shard at once, each half second. @returns What was told meanwhile. */
async function run(image: number, positions: number, reports: number): Promise<JobStatus[]> {
  const told: JobStatus[] = [];
  for (let report = 1; report <= reports; report++) {
    await beat();
    await createJobProgressStore(redis).countPositions(job, {
      ...{ image, rowStart: 0, done: report * positions, fresh: positions },
    });
    await sleep(500);
    told.push(await poll());
  }
  return told;
}

test('the ETA is of what is finished now, also after Redis came back empty', async () => {
  const progress = createJobProgressStore(redis);
  await begin();
  const perImage = (await readJob()).positionsPerImage ?? 0;
  const total = perImage * images;
  const first = await poll();
  expect(first).toMatchObject({ state: 'in_progress', etaSeconds: null, positionsPerSecond: null });
  const before = await run(0, 4, 14);
  const last = before.at(-1);
  expect(last?.positions).toEqual({ done: 56, total });
  expect(last?.positionsPerSecond).toBeGreaterThan(0);

  service.redis.kill('SIGKILL');
  await service.redis.stop();
  second = await startRedis({ dir: join(service.folder, 'redis-2'), port: service.redis.port });
  await begin();
  // Half of the images are found in the store, and counted at once.
  for (let index = 0; index < images / 2; index++) {
    await progress.finishImage(job, index, 'completed', null);
    await progress.addPositions(job, perImage);
  }
  await sleep(500);
  const back = await poll();
  expect(back.positions).toEqual({ done: total / 2, total });
  expect(back).toMatchObject({ etaSeconds: null, positionsPerSecond: null });
  for (const { positionsPerSecond, etaSeconds } of await run(images - 1, 4, 14)) {
    if (positionsPerSecond === null) continue;
    // 4 positions each half second or more: never faster.
    expect(positionsPerSecond).toBeLessThanOrEqual(16);
    expect(etaSeconds).toBeGreaterThan((total / 2 - 14 * 4) / 16);
  }
  expect((await poll()).etaSeconds).not.toBeNull();
  await fetch(`${service.url}/v1/jobs/${job}/pause`, { method: 'POST' });
  expect(await poll()).toMatchObject({ state: 'paused', etaSeconds: null });
}, 60_000);
