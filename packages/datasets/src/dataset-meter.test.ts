import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUsageLedger, type UsageLedger } from '@umbra/platform/redis/usage-ledger';
import { createFsStore } from '@umbra/platform/store/fs-store';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Quotas } from '@umbra/platform/tenancy/tenant';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { createDatasetMeter, type MeterStart } from './dataset-meter.js';

let folder: string;
let store: ObjectStore;
let redis: Redis;
let usage: UsageLedger;
let tenant: string;
/** Calls of the usage book. */
let calls: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-meter-'));
  store = createFsStore(folder);
  redis = new Redis(inject('redisUrl'));
  const whole = createUsageLedger(redis, store);
  usage = {
    ...whole,
    reserveDataset: (...given) => {
      calls += 1;
      return whole.reserveDataset(...given);
    },
  };
});
beforeEach(() => {
  tenant = `t${randomUUID()}`;
  calls = 0;
});
afterAll(async () => {
  redis.disconnect();
  await rm(folder, { recursive: true, force: true });
});

const meterFor = (quotas: Partial<Quotas>, id = 'ds.part', start: MeterStart = {}) => {
  const all = {
    images: null,
    bytes: null,
    positionsInFlight: null,
    jobs: null,
    openDatasets: null,
    streams: null,
    ...quotas,
  };
  const readTenant = async () => ({ id: tenant, weight: 1, quotas: all, requestsPerMinute: null });
  const meter = createDatasetMeter({ readTenant, usage }, tenant, id, start);
  return { meter, read: () => usage.read(tenant, all) };
};

test.each([
  ['without limits', {}],
  ['far from a limit', { images: 2_000_000, bytes: 2_000_000_000 }],
  ['up to the limit', { images: 1_000_000, bytes: 100_000_000 }],
])('a million images %s ask Redis about once in a thousand', async (_, quotas) => {
  const { meter, read } = meterFor(quotas);
  await meter.open();
  for (let line = 0; line < 1_000_000; line++) {
    const room = meter.take(100);
    if (room !== undefined) await room;
  }
  await meter.settle();
  expect(calls).toBeLessThan(1_100);
  if ('images' in quotas) expect((await read()).images).toBe(1_000_000);
});

test('to the last image of a quota, and not one more, also when many ask at once', async () => {
  const { meter, read } = meterFor({ images: 1_234 });
  const asked = Array.from({ length: 1_300 }, () => Promise.resolve(meter.take(10)));
  const taken = (await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled');
  expect(taken).toHaveLength(1_234);
  await expect(meter.take(10)).rejects.toMatchObject({ code: 'quota_exceeded' });
  await meter.settle();
  expect(await read()).toMatchObject({ images: 1_234, bytes: 12_340 });
});

test('goes on from what was taken before, and keeps what was promised', async () => {
  const start = { taken: { images: 3, bytes: 30 }, floor: { images: 5, bytes: 50 } };
  const { meter, read } = meterFor({ images: 6, bytes: 1_000 }, 'ds.part', start);
  await meter.open();
  expect((await read()).images).toBe(5);
  const other = meterFor({ images: 6, bytes: 1_000 }, 'ds.other').meter;
  await other.take(1);
  await expect(other.take(1)).rejects.toMatchObject({ code: 'quota_exceeded' });
  await meter.take(10);
  await meter.take(10);
  await expect(meter.take(10)).rejects.toMatchObject({ code: 'quota_exceeded' });
  await meter.settle();
  expect((await read()).images).toBe(6);
  await meter.abandon();
  expect((await read()).images).toBe(1);
});
