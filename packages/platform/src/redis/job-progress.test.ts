import { newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { redisPrefix } from '../queues/names.js';
import { createJobProgressStore, type JobProgressStore } from './job-progress.js';

let redis: Redis;
let progress: JobProgressStore;
let jobId: string;

beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
  progress = createJobProgressStore(redis);
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  jobId = newJobId();
});
afterEach(() => lose());

const keysOf = (id: string) => redis.keys(`${redisPrefix}:*:${id}`);
/** Have Redis lose all that it knows of the job. */
const lose = async () => redis.del(...(await keysOf(jobId)), `${redisPrefix}:none`);

describe('progress of a job', () => {
  test('counts each loss of an image once though its command is sent twice', async () => {
    // As ioredis does where the reply was lost with the connection.
    const resending: Redis = Object.assign(Object.create(redis), {
      eval: async (...given: Parameters<Redis['eval']>) => {
        await redis.eval(...given);
        return redis.eval(...given);
      },
    });
    const { countLoss } = createJobProgressStore(resending);
    expect(await countLoss(jobId, 1)).toBe(1);
    expect(await countLoss(jobId, 1)).toBe(2);
    expect(await countLoss(jobId, 2)).toBe(1);
  });

  test('is null before it starts and after it is removed', async () => {
    expect(await progress.read(jobId)).toBeNull();
    await progress.start(jobId, 5);
    expect(await progress.read(jobId)).toEqual({
      cursor: { index: 0, offset: 0 },
      completed: 0,
      failed: 0,
      positions: 0,
      startedAtMs: 5,
    });
    await progress.finishImage(jobId, 3, 'completed', null);
    await progress.remove(jobId);
    expect(await progress.read(jobId)).toBeNull();
    expect(await progress.isFinished(jobId, 3)).toBe(false);
    expect(await keysOf(jobId)).toEqual([]);
  });

  test('counts an image once, whoever reports it and however often', async () => {
    await progress.start(jobId, 1);
    const reports = Array.from({ length: 40 }, (_, report) =>
      progress.finishImage(jobId, report % 4, report % 3 === 0 ? 'failed' : 'completed', null),
    );
    const counted = (await Promise.all(reports)).filter((isFirst) => isFirst);
    expect(counted).toHaveLength(4);
    const { completed = 0, failed = 0 } = (await progress.read(jobId)) ?? {};
    expect(completed + failed).toBe(4);
    expect(await progress.isFinished(jobId, 3)).toBe(true);
    expect(await progress.isFinished(jobId, 4)).toBe(false);
  });

  test('keeps the row of a finished image once, in the step that counts it', async () => {
    for (const row of ['{"a":1}', '{"a":2}'])
      await progress.finishImage(jobId, 3, 'completed', row);
    await progress.finishImage(jobId, 4, 'failed', '{"b":1}');
    await progress.finishImage(jobId, 5, 'completed', null);
    const { epoch, ...kept } = await progress.readRows(jobId);
    expect(kept).toEqual({ drained: 0, rows: ['{"a":1}', '{"b":1}'] });
    expect(await progress.readRows(jobId, { limit: 1 })).toEqual({
      ...{ epoch, drained: 0, rows: ['{"a":1}'] },
    });
    expect((await progress.readAll([jobId]))[0]?.undrained).toBe(2);
  });

  test('forgets rows that were read, unless somebody else did', async () => {
    for (const index of [0, 1, 2]) await progress.finishImage(jobId, index, 'failed', `${index}`);
    const { epoch } = await progress.readRows(jobId);
    expect(await progress.dropRows(jobId, { epoch, drained: 0, count: 2 })).toBe(true);
    expect(await progress.dropRows(jobId, { epoch, drained: 0, count: 1 })).toBe(false);
    expect(await progress.dropRows(jobId, { epoch, drained: 2, count: 2 })).toBe(false);
    expect(await progress.readRows(jobId)).toEqual({ epoch, drained: 2, rows: ['2'] });
    await progress.finishImage(jobId, 3, 'failed', '3');
    expect((await progress.readRows(jobId, { from: 3 })).rows).toEqual(['3']);
    expect((await progress.readRows(jobId, { from: 1 })).rows).toEqual(['2', '3']);
    // It is not forgotten before its last row is in the store.
    expect(await progress.remove(jobId)).toBe(false);
    expect(await progress.dropRows(jobId, { epoch, drained: 2, count: 2 })).toBe(true);
    expect(await progress.remove(jobId)).toBe(true);
    expect(await progress.readRows(jobId)).toEqual({ epoch: '', drained: 0, rows: [] });
    expect(await keysOf(jobId)).toEqual([]);
  });

  test('counts rows anew after a loss, and forgets none that was read before it', async () => {
    await progress.finishImage(jobId, 0, 'failed', '0');
    const { epoch } = await progress.readRows(jobId);
    await lose();
    await progress.finishImage(jobId, 1, 'failed', '1');
    expect(await progress.dropRows(jobId, { epoch, drained: 0, count: 1 })).toBe(false);
    const left = await progress.readRows(jobId);
    expect(left).toMatchObject({ drained: 0, rows: ['1'] });
    expect(left.epoch).not.toBe(epoch);
  });

  test('starts at the beginning of the manifest, but keeps what is already counted', async () => {
    // What a dispatcher and a merge that were at work while Redis was wiped leave behind.
    await progress.launch(jobId, [], { index: 9, offset: 900 });
    await progress.finishImage(jobId, 2, 'completed', null);
    expect(await progress.read(jobId)).toBeNull();
    await progress.start(jobId, 7);
    const found = await progress.read(jobId);
    expect(found).toMatchObject({ cursor: { index: 0, offset: 0 }, completed: 1, startedAtMs: 7 });
  });

  test('knows which images are in flight, until they are finished or dropped', async () => {
    await progress.start(jobId, 7);
    const images = [3, 4, 5].map((index) => ({ index, offset: index * 100 }));
    await progress.launch(jobId, images, { index: 6, offset: 600 });
    await progress.finishImage(jobId, 4, 'completed', null);
    await progress.dropImage(jobId, 5);
    expect(await progress.listInFlight(jobId)).toEqual([{ index: 3, offset: 300 }]);
    expect(await progress.readInFlight(jobId, [2, 3, 4])).toEqual([false, true, false]);
    expect(await progress.readAll([jobId, newJobId()])).toMatchObject([
      { inFlight: 1, progress: { cursor: { index: 6, offset: 600 }, completed: 1 } },
      { inFlight: 0, progress: null, isCancelled: false, isPaused: false },
    ]);
  });

  test('reads whole ranges of finished images, whatever bytes they lie in', async () => {
    for (const index of [0, 7, 8, 21]) await progress.finishImage(jobId, index, 'completed', null);
    const finished = async (start: number, count: number) =>
      (await progress.readFinished(jobId, start, count)).flatMap((is, at) =>
        is ? start + at : [],
      );
    expect(await finished(0, 30)).toEqual([0, 7, 8, 21]);
    expect(await finished(7, 2)).toEqual([7, 8]);
    expect(await finished(9, 12)).toEqual([]);
    expect(await finished(1_000_000, 3)).toEqual([]);
  });

  test('what a user asks for is seen, and can be taken back', async () => {
    await progress.cancel(jobId);
    await progress.setPaused(jobId, true);
    expect(await progress.readAll([jobId])).toMatchObject([{ isCancelled: true, isPaused: true }]);
    await progress.revive(jobId);
    await progress.setPaused(jobId, false);
    expect(await progress.readAll([jobId])).toMatchObject([
      { isCancelled: false, isPaused: false },
    ]);
  });

  test('counts the positions of a shard once, though it runs again or its command is sent twice', async () => {
    await progress.start(jobId, 1);
    const count = (image: number, rowStart: number, done: number, fresh: number) =>
      progress.countPositions(jobId, { image, rowStart, done, fresh });
    const counted = async () => (await progress.read(jobId))?.positions;
    await count(0, 0, 8, 8);
    await count(0, 0, 16, 8);
    await count(0, 0, 16, 8);
    expect(await counted()).toBe(16);
    // Another worker begins anew with it.
    await count(0, 0, 8, 8);
    expect(await counted()).toBe(16);
    await count(0, 0, 30, 22);
    await count(0, 5, 30, 30);
    await count(1, 0, 30, 30);
    expect(await counted()).toBe(90);
    // Its worker died before the result of all rows was stored: they are computed once more.
    await count(0, 0, 16, 16);
    await count(0, 0, 30, 14);
    expect(await counted()).toBe(90);
    // A run that is told of late, when the image is finished.
    await progress.finishImage(jobId, 0, 'completed', null);
    await count(0, 0, 30, 30);
    expect(await counted()).toBe(90);
    await count(1, 0, 32, 2);
    expect(await counted()).toBe(92);
  });

  test('tells of no rate what was finished before, whatever was counted since', async () => {
    await progress.start(jobId, 1);
    await progress.addPositions(jobId, 1_000);
    await progress.countPositions(jobId, {
      ...{ image: 1, rowStart: 0, done: 500, fresh: 500 },
    });
    expect(await progress.readAll([jobId])).toMatchObject([
      { progress: { positions: 1_500 }, positionsPerSecond: null },
    ]);
  });

  test('leaves no key behind for ever, not even one written after the job ended', async () => {
    await progress.addPositions(jobId, 1);
    await progress.countPositions(jobId, {
      ...{ image: 1, rowStart: 0, done: 1, fresh: 1 },
    });
    await progress.finishImage(jobId, 0, 'failed', null);
    const keys = await keysOf(jobId);
    expect(keys).toHaveLength(4);
    for (const key of keys) expect(await redis.ttl(key)).toBeGreaterThan(0);
  });
});
