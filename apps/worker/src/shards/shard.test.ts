import { createLease, type Lease } from '@umbra/platform/redis/lease';
import type { KnownLosses } from '@umbra/platform/redis/losses';
import { allOutputs } from '@umbra/shared/contracts/outputs';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import type { ShardPayload } from '@umbra/shared/contracts/shard';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import type { Job } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createApart } from '../apart/apart.js';
import type { WorkerConfig } from '../config.js';
import { runShard, type ShardServices } from './shard.js';

const shard: ShardPayload = {
  version: 3,
  tenant: 'acme',
  jobId: newJobId(),
  dataset: newDatasetId(),
  item: {
    ...{ version: 1, id: imageIdAt(0), name: 'photo.png', sha256: 'ab'.repeat(32) },
    ...{ bytes: 100, width: 8, height: 8 },
  },
  model: { name: 'tiny', digest: 'cd'.repeat(32) },
  settings: occlusionSettings.parse({ patch: 4, stride: 4 }),
  outputs: allOutputs,
  attempt: 1,
  reuse: true,
  rowStart: 0,
  rowEnd: 1,
};
const known: KnownLosses = {
  ...{ seen: [], imagesOfModel: 0, isSuspect: true, isModelBlamed: true, setAside: null },
};

let redis: Redis;
beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
});
afterAll(() => redis.disconnect());

/** A worker whose suspects run until they are cancelled; it has no model or store. */
function openServices() {
  const losses = { read: async () => known, record: async () => known };
  const apart = createApart({
    config: {} as WorkerConfig,
    losses,
    lease: createLease(redis, 'apart'),
    logger: { warn: () => undefined },
    metrics: { recordApartDeath: () => undefined },
    start: async () => ({
      isUp: () => true,
      ask: () => new Promise<never>(() => undefined),
      end: async () => undefined,
    }),
  });
  const services = {
    apart,
    losses,
    heldImages: { hold: async () => undefined, release: async () => undefined },
    progress: { isCancelled: async () => false },
    shutdown: new AbortController().signal,
  };
  return { apart, services: services as unknown as ShardServices };
}

const other = { ...shard, item: { ...shard.item, id: imageIdAt(1) } };

test.each([
  ['another runs apart here', 'here', other],
  ['the image runs apart elsewhere', 'elsewhere', shard],
])('a suspect is given back while %s, and takes no slot', async (_, where, held) => {
  const { apart, services } = openServices();
  const holder = where === 'here' ? apart : openServices().apart;
  const turn = await holder.enter(held);
  void turn?.compute(held, services.shutdown)({ rowStart: 0, rowEnd: 1 });
  const delays: number[] = [];
  const queued = {
    id: 'shard-2',
    data: shard,
    stalledCounter: 0,
    moveToDelayed: async (atMs: number) => void delays.push(atMs),
  } as unknown as Job;
  const run = () => runShard(services, queued, 'token');
  await expect(run()).rejects.toMatchObject({ name: 'DelayedError' });
  expect(delays).toHaveLength(1);
  if (where === 'elsewhere') (await apart.enter(other))?.leave();
  turn?.leave();
  // It goes on to what these services lack.
  await expect(run()).rejects.not.toMatchObject({ name: 'DelayedError' });
  // And leaves its turn though it failed.
  const next = await apart.enter(shard);
  expect(next).not.toBeNull();
  next?.leave();
});

test('an image is not asked for where Redis does not answer, and the slot is free again', async () => {
  const lost = new Redis('redis://127.0.0.1:1', { retryStrategy: () => null, lazyConnect: true });
  lost.on('error', () => undefined);
  let connection = lost;
  const lease = (): Lease => createLease(connection, 'apart');
  const apart = createApart({
    config: {} as WorkerConfig,
    losses: { read: async () => known, record: async () => known },
    lease: {
      claim: (...held) => lease().claim(...held),
      renew: (...held) => lease().renew(...held),
      release: (...held) => lease().release(...held),
    },
    logger: { warn: () => undefined },
    metrics: { recordApartDeath: () => undefined },
  });
  await expect(apart.enter(shard)).rejects.toThrow();
  connection = redis;
  const turn = await apart.enter(shard);
  expect(turn).not.toBeNull();
  turn?.leave();
});
