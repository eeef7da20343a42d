import type { KnownLosses } from '@umbra/platform/redis/losses';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import type { ShardPayload } from '@umbra/shared/contracts/shard';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import type { Job } from 'bullmq';
import { expect, test } from 'vitest';
import { createApart } from '../apart/apart.js';
import type { WorkerConfig } from '../config.js';
import { runShard, type ShardServices } from './shard.js';

const shard: ShardPayload = {
  version: 2,
  tenant: 'acme',
  jobId: newJobId(),
  dataset: newDatasetId(),
  item: {
    ...{ version: 1, id: imageIdAt(0), name: 'photo.png', sha256: 'ab'.repeat(32) },
    ...{ bytes: 100, width: 8, height: 8 },
  },
  model: { name: 'tiny', digest: 'cd'.repeat(32) },
  settings: occlusionSettings.parse({ patch: 4, stride: 4 }),
  attempt: 1,
  reuse: true,
  rowStart: 0,
  rowEnd: 1,
};
const known: KnownLosses = {
  ...{ seen: [], imagesOfModel: 0, isSuspect: true, isModelBlamed: true, setAside: null },
};

/** A worker whose suspects run until they are cancelled; it has no model, store or lease. */
function openServices() {
  const losses = { read: async () => known, record: async () => known };
  const apart = createApart({
    config: {} as WorkerConfig,
    losses,
    logger: { warn: () => undefined },
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

test('a suspect is given back while another runs apart, and takes neither slot nor lease', async () => {
  const { apart, services } = openServices();
  const turn = apart.enter();
  void turn?.compute(shard, services.shutdown)({ rowStart: 0, rowEnd: 1 });
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
  turn?.leave();
  // It goes on to what these services lack.
  await expect(run()).rejects.not.toMatchObject({ name: 'DelayedError' });
  // And leaves its turn though it failed.
  expect(apart.enter()).not.toBeNull();
});
