import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { newJobId } from './ids.js';
import { createProgressBook, type ProgressBook } from './progress.js';
import { redisPrefix } from './queues.js';

let redis: Redis;
let progress: ProgressBook;
let jobId: string;

beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
  progress = createProgressBook(redis);
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  jobId = newJobId();
});
afterEach(() => progress.remove(jobId));

const keysOf = (id: string) => redis.keys(`${redisPrefix}:*:${id}`);

describe('progress of a job', () => {
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
    await progress.finishImage(jobId, 3, 'completed');
    await progress.remove(jobId);
    expect(await progress.read(jobId)).toBeNull();
    expect(await progress.isFinished(jobId, 3)).toBe(false);
    expect(await keysOf(jobId)).toEqual([]);
  });

  test('counts an image once, whoever reports it and however often', async () => {
    await progress.start(jobId, 1);
    const reports = Array.from({ length: 40 }, (_, report) =>
      progress.finishImage(jobId, report % 4, report % 3 === 0 ? 'failed' : 'completed'),
    );
    const counted = (await Promise.all(reports)).filter((isFirst) => isFirst);
    expect(counted).toHaveLength(4);
    const { completed = 0, failed = 0 } = (await progress.read(jobId)) ?? {};
    expect(completed + failed).toBe(4);
    expect(await progress.isFinished(jobId, 3)).toBe(true);
    expect(await progress.isFinished(jobId, 4)).toBe(false);
  });

  test('starts at the beginning of the manifest, but keeps what is already counted', async () => {
    // What a dispatcher and a merge that were at work while Redis was wiped leave behind.
    await progress.advance(jobId, { index: 9, offset: 900 });
    await progress.finishImage(jobId, 2, 'completed');
    expect(await progress.read(jobId)).toBeNull();
    await progress.start(jobId, 7);
    const found = await progress.read(jobId);
    expect(found).toMatchObject({ cursor: { index: 0, offset: 0 }, completed: 1, startedAtMs: 7 });
  });

  test('rewinds the cursor and nothing else', async () => {
    await progress.start(jobId, 7);
    await progress.advance(jobId, { index: 9, offset: 900 });
    await progress.addPositions(jobId, 81);
    await progress.addPositions(jobId, 9);
    await progress.rewind(jobId);
    expect(await progress.read(jobId)).toMatchObject({
      cursor: { index: 0, offset: 0 },
      positions: 90,
      startedAtMs: 7,
    });
  });

  test('leaves no key behind for ever, not even one written after the job ended', async () => {
    await progress.addPositions(jobId, 1);
    await progress.finishImage(jobId, 0, 'failed');
    const keys = await keysOf(jobId);
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(await redis.ttl(key)).toBeGreaterThan(0);
  });
});
