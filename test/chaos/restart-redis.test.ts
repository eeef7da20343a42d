import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueNames, redisPrefix } from '@umbra/platform/queues/names';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRedis } from '../../scripts/lib/redis.mjs';
import { type Stage, setStage, until, untilFinal, writeJob } from '../support/job-fixture.js';
import { spawnWorker } from '../support/worker-process.js';

const images = 10;
let stage: Stage;
let folder: string;

beforeAll(async () => {
  stage = await setStage();
  folder = await mkdtemp(join(tmpdir(), 'umbra-redis-'));
});
afterAll(async () => {
  await stage?.close();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  { appendonly: true, what: 'keeps its data' },
  { appendonly: false, what: 'comes back empty' },
])('a Redis that is killed under the workers and $what', async ({ appendonly }) => {
  const dir = join(folder, String(appendonly));
  const first = await startRedis({ dir, appendonly });
  const { job } = await writeJob(stage, { images, settings: { patch: 16, stride: 1 } });
  const worker = await spawnWorker({ ...stage.env, REDIS_URL: first.url });
  const redis = new Redis(first.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  await until('a shard to be at work and an image to be finished', async () => {
    const active = await redis.llen(`${redisPrefix}:${queueNames.shard}:active`);
    const done = keys.result(defaultTenant, job.id, 'img_00000000', 'result.json');
    return active > 0 && (await stage.store.head(done)) !== null ? true : null;
  });
  first.kill('SIGKILL');
  await first.stop();

  const second = await startRedis({ dir, appendonly, port: first.port });
  try {
    const ended = await untilFinal(stage, job.id);
    expect(ended).toMatchObject({ state: 'completed' });
    expect(ended.counts).toEqual({ total: images, completed: images, failed: 0 });
    expect(await worker.end('SIGTERM')).toBe(0);
  } finally {
    await worker.end('SIGKILL');
    redis.disconnect();
    await second.stop();
  }
});
