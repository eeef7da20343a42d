import { randomUUID } from 'node:crypto';
import { type Job, Queue, UnrecoverableError, Worker } from 'bullmq';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { isLastAttempt, isStalledOut, parseFailure } from './queue-jobs.js';

describe('isStalledOut', () => {
  const connection = { url: inject('redisUrl') };
  const prefix = `test-${randomUUID()}`;
  const workers: Worker[] = [];
  let queue: Queue;
  beforeEach(() => {
    queue = new Queue('work', { connection, prefix });
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.close(true)));
    await queue.obliterate({ force: true });
    await queue.close();
  });

  /** Run the queue's jobs until one has failed. */
  const untilFailed = (run: () => Promise<void>): Promise<Job> =>
    new Promise((resolve) => {
      const options = { connection, prefix, maxStalledCount: 0, stalledInterval: 50 };
      const worker = new Worker('work', run, options);
      workers.push(worker);
      worker.on('failed', (job) => job !== undefined && resolve(job));
    });

  test('recognises the failure that BullMQ gives a queue job whose worker was lost', async () => {
    const lost = new Worker('work', null, { connection, prefix, lockDuration: 50, autorun: false });
    workers.push(lost);
    await queue.add('job', {});
    expect(await lost.getNextJob('token')).toBeDefined();
    const failed = await untilFailed(async () => undefined);
    expect(isStalledOut(failed)).toBe(true);
  });

  test('passes over a failure whose own message speaks of a stall', async () => {
    await queue.add('job', {});
    const failed = await untilFailed(async () => {
      throw new UnrecoverableError('the request stalled');
    });
    expect(isStalledOut(failed)).toBe(false);
  });
});

describe('isLastAttempt', () => {
  test.each([
    [0, 3, false],
    [2, 3, true],
    [0, undefined, true],
  ])('after %i failed attempts of %s is %s', (attemptsMade, attempts, expected) => {
    const opts = attempts === undefined ? {} : { attempts };
    expect(isLastAttempt({ attemptsMade, opts })).toBe(expected);
  });
});

describe('parseFailure', () => {
  test('gives the report that a shard has thrown', () => {
    const report = { code: 'integrity', message: 'Expected other bytes' } as const;
    expect(parseFailure(JSON.stringify(report))).toEqual(report);
  });

  test.each([['job stalled more than allowable limit'], ['{"code":"none"}'], ['7']])(
    'gives %s as an internal error',
    (text) => {
      expect(parseFailure(text)).toEqual({ code: 'internal', message: text });
    },
  );
});
