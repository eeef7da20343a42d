import { compareEventIds, firstEventId, type JobEvent } from '@umbra/shared/contracts/event';
import type { JobState } from '@umbra/shared/contracts/job';
import { newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { createJobEventLog, eventChannel, parsePublished } from './job-event-log.js';

let redis: Redis;
let jobId: string;
beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
});
afterAll(() => redis.quit());
beforeEach(() => {
  jobId = newJobId();
});

const image = (index: number) =>
  ({ id: `img_${String(index).padStart(8, '0')}`, state: 'completed', error: null }) as const;

describe('the events of a job', () => {
  test('are read on from any of the last ones, in order', async () => {
    const log = createJobEventLog(redis);
    expect(await log.lastId('acme', jobId)).toBe(firstEventId);
    for (const index of [0, 1, 2]) await log.add('acme', jobId, 'image', image(index));
    const all = (await log.readAfter('acme', jobId, firstEventId)) ?? [];
    expect(all.map(({ data }) => JSON.parse(data))).toEqual([image(0), image(1), image(2)]);
    expect(await log.readAfter('acme', jobId, all[0]?.id ?? '')).toEqual(all.slice(1));
    expect(await log.readAfter('acme', jobId, all[2]?.id ?? '')).toEqual([]);
    expect(await log.lastId('acme', jobId)).toBe(all[2]?.id);
    // Another tenant's job of the same id is another job.
    expect(await log.readAfter('other', jobId, firstEventId)).toEqual([]);
  });

  test('are bounded, and who asks for what is gone is told so', async () => {
    const log = createJobEventLog(redis);
    await log.add('acme', jobId, 'image', image(0));
    const first = await log.lastId('acme', jobId);
    for (let index = 1; index < 1_500; index++) {
      await log.add('acme', jobId, 'image', image(index));
    }
    expect(await redis.xlen(eventChannel('acme', jobId))).toBeLessThan(1_200);
    expect(await redis.ttl(eventChannel('acme', jobId))).toBeGreaterThan(0);
    expect(await log.readAfter('acme', jobId, first)).toBeNull();
    expect(await log.readAfter('acme', jobId, firstEventId)).toBeNull();
  });

  test('are kept for some minutes after the job has ended', async () => {
    const log = createJobEventLog(redis);
    const counts = { total: 1, completed: 1, failed: 0 };
    const told = async (state: JobState) => {
      await log.add('acme', jobId, 'state', { state, counts, error: null });
      return redis.ttl(eventChannel('acme', jobId));
    };
    await log.add('acme', jobId, 'image', image(0));
    expect(await redis.ttl(eventChannel('acme', jobId))).toBeGreaterThan(1_800);
    expect(await told('in_progress')).toBeGreaterThan(1_800);
    const ended = await told('completed');
    expect(ended).toBeGreaterThan(60);
    expect(ended).toBeLessThanOrEqual(120);
    // It is retried.
    expect(await told('queued')).toBeGreaterThan(1_800);
  });

  test('are published as they are kept', async () => {
    const listener = new Redis(inject('redisUrl'));
    const heard = new Promise<JobEvent>((resolve) => {
      listener.on('message', (_channel, message) => resolve(parsePublished(message)));
    });
    await listener.subscribe(eventChannel('acme', jobId));
    const log = createJobEventLog(redis);
    const error = { code: 'internal', message: 'a message with  spaces' } as const;
    await log.add('acme', jobId, 'image', { ...image(0), state: 'failed', error });
    expect([await heard]).toEqual(await log.readAfter('acme', jobId, firstEventId));
    await listener.quit();
  });

  test('tell of progress now and then only', async () => {
    const log = createJobEventLog(redis);
    let asked = 0;
    const read = async () => ({ completed: ++asked, failed: 0, positions: 81 });
    for (let turn = 0; turn < 20; turn++) await log.addProgress('acme', jobId, read);
    expect(asked).toBeLessThan(20);
    expect(await log.readAfter('acme', jobId, firstEventId)).toHaveLength(asked);
  });
});

test('ids are compared as numbers', () => {
  expect(compareEventIds('9-1', '10-0')).toBeLessThan(0);
  expect(compareEventIds('10-2', '10-10')).toBeLessThan(0);
  expect(compareEventIds('10-2', '10-2')).toBe(0);
});
