import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { redisPrefix } from '@umbra/platform/queues/names';
import { type Job, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { giveBack } from './give-back.js';
import { PatientWorker } from './patient-worker.js';

const hourMs = 3_600_000;
const lockMs = 1_000;
/** BullMQ looks every 10 s at the latest. */
vi.setConfig({ testTimeout: 25_000 });
let name: string;
let redis: Redis;
let queue: Queue;
const workers: PatientWorker[] = [];

beforeEach(() => {
  name = `give-back-${randomUUID()}`;
  redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  queue = new Queue(name, { connection: redis, prefix: redisPrefix });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(workers.splice(0).map((worker) => worker.close()));
  await queue.obliterate({ force: true });
  redis.disconnect();
});

/** From now on this process believes that it is another time. */
function moveClock(byMs: number): void {
  const { now } = Date;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + byMs);
}

function startWorker(process: (job: Job, token: string) => Promise<unknown>): PatientWorker {
  const worker = new PatientWorker(name, (job, token = '') => process(job, token), {
    connection: redis,
    prefix: redisPrefix,
    lockDuration: lockMs,
    onPutOff: () => undefined,
  });
  workers.push(worker);
  return worker;
}

/** Take the queued job and give it back, as a worker that ends. */
async function takeAndGiveBack(delayMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    startWorker((job, token) => giveBack(job, token, delayMs).finally(resolve));
  });
  await workers.pop()?.close();
}

/** Run the queued job, wherever it waits. */
const untilRun = (): Promise<void> =>
  new Promise((resolve) => {
    startWorker(async () => resolve());
  });

describe.each([
  { who: 'an hour ahead', clockMs: hourMs },
  { who: 'an hour behind', clockMs: -hourMs },
])('a queue job, where the clock is $who,', ({ clockMs }) => {
  test.each([0, 200])('given back after %i ms is run where the clock is true', async (delayMs) => {
    await queue.add('any', {});
    moveClock(clockMs);
    await takeAndGiveBack(delayMs);
    vi.restoreAllMocks();
    await untilRun();
  });

  test.each([0, 200])(
    'is run that was given back where the clock is true, after %i ms',
    async (delayMs) => {
      await queue.add('any', {}, { priority: 10 });
      await takeAndGiveBack(delayMs);
      moveClock(clockMs);
      await untilRun();
    },
  );

  test('is not run before its delay is over', async () => {
    const delayMs = 1_000;
    await queue.add('any', {});
    moveClock(clockMs);
    const runs: number[] = [];
    await new Promise<void>((resolve) => {
      startWorker(async (job, token) => {
        runs.push(performance.now());
        if (runs.length === 1) await giveBack(job, token, delayMs);
        resolve();
      });
    });
    const [first = 0, second = 0] = runs;
    // The delay begins after the first run, and Redis tells whole milliseconds.
    expect(second - first).toBeGreaterThan(delayMs - 10);
  });

  test('is tried again after its backoff, by a worker with a true clock', async () => {
    await queue.add('any', {}, { attempts: 2, backoff: { type: 'fixed', delay: 200 } });
    moveClock(clockMs);
    const worker = startWorker(() => Promise.reject(new Error('of this attempt')));
    await once(worker, 'failed');
    vi.restoreAllMocks();
    await worker.close();
    await untilRun();
  });

  test('holds its lock while it runs', async () => {
    await queue.add('any', {});
    moveClock(clockMs);
    const renewed: string[] = [];
    await new Promise<void>((resolve) => {
      const worker = startWorker(async () => {
        await once(worker, 'locksRenewed');
        const [{ jobIds }] = await once(worker, 'locksRenewed');
        renewed.push(...jobIds);
        resolve();
      });
    });
    expect(renewed).toHaveLength(1);
  });
});
