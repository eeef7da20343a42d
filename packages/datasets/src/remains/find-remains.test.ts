import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { deleteJob, putJobEntry } from '@umbra/platform/store/job-records';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { holdMarker, putMarker } from '@umbra/platform/store/markers';
import { deleteOwnModel, readOwnModel, useOwnVersion } from '@umbra/platform/store/own-models';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type Dataset, newDataset } from '@umbra/shared/contracts/dataset';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { newDatasetId, newJobId } from '@umbra/shared/ids';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { deleteDataset } from '../delete-dataset.js';
import { findRemains } from './find-remains.js';
import type { Remains, RemainsOptions } from './remains.js';

const tenant = 'acme';
const abandonedMs = 3_600_000;
const hourAgo = () => new Date(Date.now() - abandonedMs - 60_000).toISOString();
let folder: string;
let store: ObjectStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-remains-'));
  store = createFsStore(folder);
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

const listAll = async (): Promise<string[]> => {
  const all: string[] = [];
  for await (const { key } of store.list('')) all.push(key);
  return all;
};
/** Look later: the store's clock is the machine's, and does not move with it. */
async function find(laterMs: number, more: Partial<RemainsOptions> = {}): Promise<Remains[]> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + laterMs });
  const found: Remains[] = [];
  for await (const one of findRemains({ store, abandonedMs, ...more })) {
    if (one !== null) found.push(one);
  }
  vi.useRealTimers();
  return found;
}
const sweep = async (laterMs = abandonedMs + 1_000, more: Partial<RemainsOptions> = {}) => {
  const found = await find(laterMs, more);
  for (const one of found) await one.remove();
  return found.map(({ kind }) => kind);
};

async function putDataset(state: Dataset['state'], photos: readonly string[]): Promise<Dataset> {
  const dataset: Dataset = { ...newDataset(newDatasetId(), new Date()), state };
  for (const sha256 of photos) await store.put(keys.image(tenant, dataset.id, sha256), sha256);
  await store.put(keys.datasetEntry(tenant, dataset), '');
  await putJson(store, keys.dataset(tenant, dataset.id), dataset);
  return dataset;
}
const digest = () => randomBytes(32).toString('hex');
async function putManifest({ id }: Dataset, digests: readonly string[]): Promise<void> {
  const lines = digests.map((sha256, index) => {
    const image = { id: `img_0000000${index}`, name: `${index}.png`, sha256 };
    return `${JSON.stringify({ version: 1, ...image, bytes: 64, width: 8, height: 8 })}\n`;
  });
  await store.put(keys.manifest(tenant, id), lines.join(''));
}

test('takes an upload that was never made whole, and its entry in the index', async () => {
  const id = newDatasetId();
  const createdAt = new Date().toISOString();
  await putMarker(store, keys.upload(tenant, id, 's'), { aliveAt: createdAt, createdAt });
  await store.put(keys.image(tenant, id, digest()), 'photo');
  await store.put(keys.datasetEntry(tenant, { id, createdAt }), '');
  const onRemoved = vi.fn(async () => undefined);
  expect(await sweep(0, { onRemoved })).toEqual([]);
  expect(await listAll()).toHaveLength(3);
  expect(await sweep(undefined, { onRemoved })).toEqual(['upload']);
  expect(onRemoved).toHaveBeenCalledExactlyOnceWith(tenant, id);
  expect(await listAll()).toEqual([]);
});

test('leaves an upload that renews its marker, and whose marker it then removes', async () => {
  const id = newDatasetId();
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
  const marker = await holdMarker(store, keys.upload(tenant, id, 's'), { abandonedMs: 1_000 });
  const first = (await store.get(keys.upload(tenant, id, 's'))).toString();
  await vi.advanceTimersByTimeAsync(300);
  await vi.waitFor(async () => {
    expect((await store.get(keys.upload(tenant, id, 's'))).toString()).not.toBe(first);
  });
  marker.assertAlive();
  vi.setSystemTime(Date.now() + 2_000);
  expect(() => marker.assertAlive()).toThrow(/to be renewed within 1000 ms/);
  await marker.remove();
  expect(await listAll()).toEqual([]);
});

test('takes photos that no manifest names once their dataset is closed, and no other', async () => {
  const [listed, lost, shared] = [digest(), digest(), digest()];
  const dataset = await putDataset('open', [listed, lost, shared]);
  const other = await putDataset('ready', [lost]);
  await putMarker(store, keys.upload(tenant, dataset.id, 's'));
  // Other requests may name them as yet.
  expect(await sweep()).toEqual([]);
  await putManifest(dataset, [listed, shared, shared]);
  await putJson(store, keys.dataset(tenant, dataset.id), { ...dataset, state: 'ready' });
  expect(await sweep()).toEqual(['upload']);
  expect(await store.head(keys.image(tenant, dataset.id, lost))).toBeNull();
  for (const one of [listed, shared]) {
    expect(await store.head(keys.image(tenant, dataset.id, one))).not.toBeNull();
  }
  expect(await store.head(keys.image(tenant, other.id, lost))).not.toBeNull();
  expect(await sweep()).toEqual([]);
});

test('waits until a URL that a client may write to has expired', async () => {
  const dataset = await putDataset('ready', []);
  const aliveAt = new Date(Date.now() + 6 * abandonedMs).toISOString();
  await putMarker(store, keys.upload(tenant, dataset.id, 's'), { aliveAt });
  await deleteDataset(store, tenant, dataset);
  expect(await sweep()).toEqual(['deletion']);
  await store.put(keys.image(tenant, dataset.id, digest()), 'late photo');
  expect(await sweep(2 * abandonedMs)).toEqual([]);
  expect(await sweep(8 * abandonedMs)).toEqual(['upload']);
  expect(await listAll()).toEqual([]);
});

test('takes the dataset of an interactive job that was never made, and leaves one that was', async () => {
  const job = await putJob();
  for (const id of [job.id, newJobId()]) {
    const dataset = await putDataset('ready', [digest()]);
    await putManifest(dataset, []);
    const { createdAt } = dataset;
    await putMarker(store, keys.upload(tenant, dataset.id, 's'), { job: id, createdAt });
  }
  expect(await sweep()).toEqual(['upload', 'upload']);
  const left = await listAll();
  expect(left.filter((key) => key.endsWith('dataset.json'))).toHaveLength(1);
  expect(left.filter((key) => key.includes('/images/'))).toHaveLength(1);
  expect(left.filter((key) => key.startsWith('uploads/'))).toEqual([]);
});

async function putJob(): Promise<JobRecord> {
  const job: JobRecord = {
    ...newJobDefaults,
    id: newJobId(),
    dataset: newDatasetId(),
    model: { name: 'tiny', digest: digest() },
    settings: occlusionSettings.parse({ patch: 16, stride: 6 }),
    state: 'cancelled',
    positionsPerImage: 81,
    counts: { total: 1, completed: 0, failed: 0 },
    createdAt: new Date().toISOString(),
  };
  await putJson(store, keys.job(tenant, job.id), job);
  return job;
}

test('takes the results of a merge that ended after its job was deleted', async () => {
  const job = await putJob();
  const late = keys.result(tenant, job.id, 'img_00000000', 'result.json');
  await deleteJob(store, tenant, job);
  await store.put(late, '{}');
  expect(await sweep()).toEqual(['deletion']);
  expect(await listAll()).toEqual([]);
});

test('ends a deletion that a dead process began, and undoes one that it did not', async () => {
  const [begun, kept] = [await putJob(), await putJob()];
  await store.put(keys.archive(tenant, begun.id), 'zip');
  for (const job of [begun, kept]) {
    const { id, createdAt } = job;
    await putJobEntry(store, tenant, job);
    await putMarker(store, keys.deletedJob(tenant, id), { createdAt });
  }
  await store.delete(keys.job(tenant, begun.id));
  expect(await sweep()).toEqual(['deletion', 'deletion']);
  expect(await listAll()).toEqual([keys.jobEntry(tenant, kept), keys.job(tenant, kept.id)].sort());
});

test('a sweep that dies goes on at the next: the marker goes last', async () => {
  const id = newDatasetId();
  await putMarker(store, keys.upload(tenant, id, 's'), { aliveAt: hourAgo() });
  for (let photo = 0; photo < 3; photo += 1) {
    await store.put(keys.image(tenant, id, digest()), 'photo');
  }
  const ending = new AbortController();
  const { delete: remove } = store;
  store.delete = async (key) => {
    await remove(key);
    ending.abort();
  };
  const [found] = await find(abandonedMs + 1_000);
  await expect(found?.remove(ending.signal)).rejects.toThrow(/abort/);
  store.delete = remove;
  expect(await listAll()).toHaveLength(3);
  expect(await sweep()).toEqual(['upload']);
  expect(await listAll()).toEqual([]);
});

test('scores that jobs may reuse are kept, unless for so many days', async () => {
  const key = keys.rows(tenant, 'ab'.repeat(32), { rowStart: 0, rowEnd: 9 });
  await store.put(key, 'scores');
  expect(await sweep()).toEqual([]);
  expect(await sweep(abandonedMs, { keepScoresMs: 2 * abandonedMs })).toEqual([]);
  expect(await sweep(3 * abandonedMs, { keepScoresMs: 2 * abandonedMs })).toEqual(['scores']);
  expect(await listAll()).toEqual([]);
});

test('a thorough look finds what has neither a record nor a marker, once it is old', async () => {
  const known = await putDataset('ready', [digest()]);
  const job = await putJob();
  const [lost, live, gone] = [newDatasetId(), newDatasetId(), newJobId()];
  await store.put(keys.image(tenant, lost, digest()), 'photo');
  await store.put(keys.image(tenant, live, digest()), 'photo');
  await store.put(keys.ingest(tenant, live), '');
  await store.put(keys.result(tenant, gone, 'img_00000000', 'heatmap.png'), 'png');
  await store.put(keys.datasetEntry(tenant, { id: lost, createdAt: hourAgo() }), '');
  const thorough = { isThorough: true };
  expect(await sweep(undefined, {})).toEqual([]);
  expect(await sweep(0, thorough)).toEqual([]);
  expect(await sweep(undefined, thorough)).toEqual(['orphan', 'orphan', 'orphan']);
  const left = await listAll();
  expect(left.filter((key) => key.includes(lost) || key.includes(gone))).toEqual([]);
  for (const id of [known.id, job.id, live]) expect(left.join()).toContain(id);
});

describe('of models', () => {
  const model = { tenant, name: 'net', digest: digest() };
  const file = (path: string) => keys.ownModelFile(model, path);

  test('takes an upload that ended before its description, and ends one that is whole', async () => {
    const whole = { ...model, digest: digest() };
    await store.put(keys.ownModelFile(whole, 'bundle.json'), '{}');
    await store.put(file('model.onnx'), 'weights');
    for (const one of [model, whole]) {
      await putMarker(store, keys.modelUpload(tenant, one.name, one.digest));
    }
    expect(await sweep(0)).toEqual([]);
    expect(await sweep()).toEqual(['upload', 'upload']);
    expect(await readOwnModel(store, whole)).toMatchObject({ digest: whole.digest });
    expect((await listAll()).sort()).toEqual(
      [keys.ownModelFile(whole, 'bundle.json'), keys.ownModel(tenant, 'net')].sort(),
    );
  });

  test('puts no version in the place of another, nor of one that is being deleted', async () => {
    const [current, deleted] = [digest(), { ...model, name: 'gone' }];
    const record = { version: 1, digest: current, uploadedAt: new Date().toISOString() };
    await putJson(store, keys.ownModel(tenant, 'net'), record);
    await putMarker(store, keys.deletedModel(tenant, 'gone'));
    for (const one of [model, deleted]) {
      await store.put(keys.ownModelFile(one, 'bundle.json'), '{}');
      await putMarker(store, keys.modelUpload(tenant, one.name, one.digest));
    }
    await sweep();
    expect(await readOwnModel(store, model)).toEqual(record);
    expect(await readOwnModel(store, deleted)).toBeNull();
    expect(await listAll()).toHaveLength(2);
  });

  test.each([
    ['a newer version', false],
    ['its deletion', true],
  ])('gives way to an upload that goes on meanwhile, and to %s', async (_, isDeleted) => {
    await store.put(file('bundle.json'), '{}');
    await putMarker(store, keys.modelUpload(tenant, model.name, model.digest));
    const live = { ...model, digest: digest() };
    const plain = store;
    let isMet = false;
    store = {
      ...plain,
      async put(key, body) {
        if (key === keys.ownModel(tenant, 'net') && !isMet) {
          isMet = true;
          await plain.put(keys.ownModelFile(live, 'bundle.json'), '{}');
          await useOwnVersion(plain, live);
          if (isDeleted) await deleteOwnModel(plain, model);
        }
        return plain.put(key, body);
      },
    };
    expect(await sweep()).toContain('upload');
    expect(isMet).toBe(true);
    expect((await readOwnModel(store, model))?.digest).toBe(isDeleted ? undefined : live.digest);
  });

  test('takes what is written after a deletion, and nothing of a model that came after it', async () => {
    const record = { version: 1, digest: model.digest, uploadedAt: new Date().toISOString() };
    await putJson(store, keys.ownModel(tenant, 'net'), record);
    await deleteOwnModel(store, model);
    await store.put(file('model.onnx'), 'weights');
    expect(await sweep()).toEqual(['deletion']);
    expect(await listAll()).toEqual([]);

    await deleteOwnModel(store, model);
    await store.put(file('bundle.json'), '{}');
    await putJson(store, keys.ownModel(tenant, 'net'), record);
    expect(await sweep()).toEqual(['deletion']);
    expect(await listAll()).toHaveLength(2);
  });
});
