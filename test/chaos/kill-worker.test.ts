import { queueNames, redisPrefix } from '@umbra/platform/queues/names';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { imageIdAt } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Stage, setStage, until, untilFinal, writeJob } from '../support/job-fixture.js';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.js';

/** 49 x 49 positions: long enough for a shard to be caught at work. */
const slowSettings = { patch: 16, stride: 1 };
const images = 8;
let stage: Stage;
let redis: Redis;
/** scores.npy of each image, from a run that nothing disturbed. */
let expected: Buffer[];
const workers: WorkerProcess[] = [];

const spawn = async (env: Record<string, string> = {}): Promise<WorkerProcess> => {
  const worker = await spawnWorker({ ...stage.env, ...env });
  workers.push(worker);
  return worker;
};
const endWorkers = () => Promise.all(workers.splice(0).map((worker) => worker.end('SIGKILL')));
const readScores = (jobId: string): Promise<Buffer[]> =>
  Promise.all(
    Array.from({ length: images }, (_, index) =>
      stage.store.get(keys.result(defaultTenant, jobId, imageIdAt(index), 'scores.npy')),
    ),
  );
const shardKey = (part: string) => `${redisPrefix}:${queueNames.shard}:${part}`;
const untilActive = (shards: number) =>
  until(`${shards} shards to be at work`, async () =>
    (await redis.llen(shardKey('active'))) >= shards ? true : null,
  );
const countEvents = async (name: string): Promise<number> =>
  (await redis.xrange(shardKey('events'), '-', '+')).filter(([, fields]) => fields[1] === name)
    .length;

beforeAll(async () => {
  stage = await setStage();
  redis = new Redis(stage.redisUrl, { maxRetriesPerRequest: null });
  const { job } = await writeJob(stage, { images, settings: slowSettings });
  await spawn();
  await untilFinal(stage, job.id);
  expected = await readScores(job.id);
  await endWorkers();
});
beforeEach(() => redis.flushall());
afterEach(endWorkers);
afterAll(async () => {
  await endWorkers();
  redis?.disconnect();
  await stage?.close();
});

describe('a worker process that ends in the middle of a shard', () => {
  test('SIGKILL: the other one takes over, and nothing is missing or different', async () => {
    const { job } = await writeJob(stage, { images, settings: slowSettings });
    const [victim] = await Promise.all([spawn(), spawn()]);
    await untilActive(2);
    expect(await victim.end('SIGKILL')).toBe('SIGKILL');
    const ended = await untilFinal(stage, job.id);
    expect(ended.counts).toEqual({ total: images, completed: images, failed: 0 });
    expect(await countEvents('stalled')).toBeGreaterThan(0);
    expect(await readScores(job.id)).toEqual(expected);
  });

  test('SIGKILL of the only one: the next one goes on', async () => {
    const { job } = await writeJob(stage, { images, settings: slowSettings });
    const victim = await spawn();
    await untilActive(1);
    await victim.end('SIGKILL');
    await spawn();
    const ended = await untilFinal(stage, job.id);
    expect(ended.counts).toEqual({ total: images, completed: images, failed: 0 });
    expect(await readScores(job.id)).toEqual(expected);
  });

  test('SIGTERM: it ends its shard, takes no other, and exits with 0', async () => {
    const { job } = await writeJob(stage, { images, settings: slowSettings });
    const [leaving] = await Promise.all([spawn(), spawn()]);
    await untilActive(2);
    expect(await leaving.end('SIGTERM')).toBe(0);
    const ended = await untilFinal(stage, job.id);
    expect(ended.counts).toEqual({ total: images, completed: images, failed: 0 });
    expect(await countEvents('stalled')).toBe(0);
    expect(await readScores(job.id)).toEqual(expected);
  });

  test('SIGTERM with no time left: it gives its shard back at once, and exits with 0', async () => {
    const settings = { patch: 2, stride: 1 };
    const { job } = await writeJob(stage, { images: 1, rowsPerShard: 63, settings });
    const leaving = await spawn({ UMBRA_SHUTDOWN_MS: '1' });
    await untilActive(1);
    expect(await leaving.end('SIGTERM')).toBe(0);
    // Neither held by a process that is gone, nor done: it waits for the next one.
    expect(await redis.llen(shardKey('active'))).toBe(0);
    expect(await redis.zcard(shardKey('delayed'))).toBe(1);
    await spawn();
    const ended = await untilFinal(stage, job.id);
    expect(ended.counts).toEqual({ total: 1, completed: 1, failed: 0 });
    expect(await countEvents('stalled')).toBe(0);
  });
});
