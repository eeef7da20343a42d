import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { redisPrefix } from '@umbra/platform/queues/names';
import { unavailable } from '@umbra/shared/errors';
import { DelayedError, type Job, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { PatientWorker } from './patient-worker.js';

const attempts = 2;
let name: string;
let redis: Redis;
let queue: Queue;
const workers: PatientWorker[] = [];

beforeEach(() => {
  name = `patient-${randomUUID()}`;
  redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  queue = new Queue(name, { connection: redis, prefix: redisPrefix });
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close(true)));
  await queue.obliterate({ force: true });
  redis.disconnect();
});

function startWorker(process: (job: Job) => Promise<unknown>): PatientWorker {
  const worker = new PatientWorker(name, process, {
    connection: redis,
    prefix: redisPrefix,
    lockDuration: 1_000,
    stalledInterval: 200,
    maxStalledCount: 1,
    onPutOff: () => undefined,
  });
  worker.on('error', () => undefined);
  workers.push(worker);
  return worker;
}

const untilCompleted = (worker: PatientWorker): Promise<Job> =>
  new Promise((resolve) => worker.once('completed', resolve));
const addJob = () => queue.add('any', {}, { attempts, backoff: { type: 'fixed', delay: 1 } });

test('an outage longer than all its attempts does not fail a queue job', async () => {
  await addJob();
  let runs = 0;
  const worker = startWorker(async () => {
    runs += 1;
    if (runs <= attempts + 1) throw unavailable('The store is away');
  });
  const job = await untilCompleted(worker);
  expect(job).toMatchObject({ attemptsMade: 1, attemptsStarted: attempts + 2 });
});

test('a result that Redis refuses for a while is offered until it is taken', async () => {
  await addJob();
  let runs = 0;
  const worker = startWorker(async () => {
    runs += 1;
  });
  const refusal = Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' });
  const offer = vi.spyOn(worker.backend, 'moveToFinished').mockRejectedValueOnce(refusal);
  await untilCompleted(worker);
  expect(offer).toHaveBeenCalledTimes(2);
  expect(runs).toBe(1);
});

test('a fault of the work itself uses up its attempts', async () => {
  const { id = '' } = await addJob();
  let runs = 0;
  startWorker(async () => {
    runs += 1;
    throw new Error('of the work');
  });
  while (!(await queue.getJob(id).then((job) => job?.isFailed()))) await sleep(20);
  expect(runs).toBe(attempts);
});

test('a queue job that lost its lock while its worker lives is not counted as lost', async () => {
  const { id = '' } = await addJob();
  const losses = 3;
  let runs = 0;
  const worker = startWorker(async () => {
    runs += 1;
    if (runs > losses) return;
    // As an outage has it, which is longer than the lock.
    await redis.del(`${redisPrefix}:${name}:${id}:lock`);
    await new Promise((resolve) => worker.once('lockRenewalFailed', resolve));
  });
  await untilCompleted(worker);
  expect(runs).toBe(losses + 1);
});

test('a renewal that comes after a queue job was given back takes no stall back', async () => {
  const { id = '' } = await addJob();
  const key = `${redisPrefix}:${name}:${id}`;
  await redis.hset(key, 'stc', 1);
  const worker = startWorker(async (job) => {
    if (job.attemptsStarted > 1) return job.stalledCounter;
    await job.moveToDelayed(Date.now() + 100, job.token);
    // As it is sent while the job is on its way.
    const [failed] = await worker.extendJobLocks([id], [job.token ?? ''], 1_000);
    worker.emit('lockRenewalFailed', [failed ?? '']);
    // Sent on the connection that it was asked on.
    await redis.ping();
    throw new DelayedError();
  });
  expect((await untilCompleted(worker)).returnvalue).toBe(1);
  expect(await redis.hget(key, 'stc')).toBe('1');
});
