import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '@umbra/platform/config';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { keys } from '@umbra/platform/store/keys';
import { putMarker } from '@umbra/platform/store/markers';
import type { ObjectStore } from '@umbra/platform/store/store';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { workerConfig } from '../config.js';
import { createSweeper, type SweepServices } from './sweep.js';

let folder: string;
let store: ObjectStore;
const logger = { info: vi.fn(), warn: vi.fn() };
const recordRemoval = vi.fn();
const releaseDataset = vi.fn(async () => undefined);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-sweep-'));
  store = createFsStore(folder);
  vi.clearAllMocks();
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

const sweeperOf = (closing: AbortSignal = new AbortController().signal) =>
  createSweeper({
    store,
    closing,
    logger,
    usage: { releaseDataset },
    metrics: { recordRemoval },
    config: readConfig(workerConfig, {}),
  } as unknown as SweepServices);
const count = async (prefix: string): Promise<number> => {
  let found = 0;
  for await (const _ of store.list(prefix)) found += 1;
  return found;
};
const later = () => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 3_600_000 });
const putUploads = async (total: number): Promise<void> => {
  for (let index = 0; index < total; index += 1) {
    await putMarker(store, keys.upload('acme', `ds_${String(index).padStart(4, '0')}`, 's'));
  }
};

// Each write is synced to the disk.
test('a round ends after a thousand, and the next goes on', async () => {
  await putUploads(1_002);
  later();
  const sweep = sweeperOf();
  await sweep();
  expect(await count(keys.uploads())).toBe(2);
  await sweep();
  expect(await count(keys.uploads())).toBe(0);
  expect(releaseDataset).toHaveBeenCalledTimes(1_002);
  expect(recordRemoval.mock.calls).toEqual(Array(1_002).fill(['upload']));
  await sweep();
  expect(logger.warn).not.toHaveBeenCalled();
}, 180_000);

test('one that cannot be deleted keeps none of the others, and is tried again', async () => {
  await putUploads(3);
  later();
  const stuck = keys.upload('acme', 'ds_0001', 's');
  const { delete: remove } = store;
  store.delete = async (key) => {
    if (key === stuck) throw new Error('no right');
    await remove(key);
  };
  const sweep = sweeperOf();
  await sweep();
  expect(logger.warn).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ name: stuck }),
    'remains not deleted',
  );
  expect(await count(keys.uploads())).toBe(1);
  store.delete = remove;
  await sweep();
  expect(await count(keys.uploads())).toBe(0);
});

test('a store that is away fails a round and no process; rounds do not overlap', async () => {
  await putUploads(1);
  later();
  const { list } = store;
  let listings = 0;
  store.list = () => {
    listings += 1;
    throw new Error('away');
  };
  const sweep = sweeperOf();
  await Promise.all([sweep(), sweep()]);
  expect(listings).toBe(1);
  expect(logger.warn).toHaveBeenCalledExactlyOnceWith(expect.anything(), 'sweep failed');
  store.list = list;
  await sweep();
  expect(await count(keys.uploads())).toBe(0);
});

test('a process that is ending deletes nothing more', async () => {
  await putUploads(1);
  later();
  await sweeperOf(AbortSignal.abort())();
  expect(await count(keys.uploads())).toBe(1);
});
