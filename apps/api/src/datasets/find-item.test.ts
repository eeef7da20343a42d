import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { imageIdAt, newDatasetId } from '@umbra/shared/ids';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findItem } from './find-item.js';

const tenant = 'acme';
let folder: string;
let store: ObjectStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-items-'));
  store = createFsStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Write a manifest of so many lines, whose names are as long as `nameLength` says. */
async function writeManifest(images: number, nameLength: (index: number) => number) {
  const id = newDatasetId();
  const lines = Array.from({ length: images }, (_, index) =>
    JSON.stringify({
      ...{ version: 1, id: imageIdAt(index), name: `${index}-`.padEnd(nameLength(index), 'ä') },
      ...{ sha256: 'ab'.repeat(32), bytes: 1, width: 1, height: index + 1 },
    }),
  );
  await store.put(keys.manifest(tenant, id), lines.map((line) => `${line}\n`).join(''));
  return { tenant, id, images };
}

test.each([
  ['a few', 3, () => 10],
  ['some thousands', 5_000, () => 10],
  ['lines of very different lengths', 5_000, (index: number) => (index < 2_500 ? 10 : 900)],
])('every image of %s is found, in a few reads', async (_, images, nameLength) => {
  const dataset = await writeManifest(images, nameLength);
  const reads = vi.spyOn(store, 'stream');
  const wanted = [0, 1, images >> 1, images - 2, images - 1];
  for (let index = 0; index < images; index += 97) wanted.push(index);
  for (const index of wanted) {
    reads.mockClear();
    expect(await findItem(store, dataset, imageIdAt(index))).toMatchObject({
      ...{ id: imageIdAt(index), height: index + 1 },
    });
    expect(reads.mock.calls.length).toBeLessThanOrEqual(8);
  }
  reads.mockRestore();
});

test('an image beyond the last one, or of a dataset without a manifest, is none', async () => {
  const dataset = await writeManifest(3, () => 10);
  expect(await findItem(store, dataset, imageIdAt(3))).toBeNull();
  const none = { tenant, id: newDatasetId(), images: 3 };
  expect(await findItem(store, none, imageIdAt(0))).toBeNull();
});

test('a manifest that is not in order is damaged', async () => {
  const dataset = await writeManifest(3, () => 10);
  const key = keys.manifest(tenant, dataset.id);
  const [first = '', , third = ''] = (await store.get(key)).toString().split('\n');
  await store.put(key, `${first}\n${third}\n`);
  await expect(findItem(store, dataset, imageIdAt(1))).rejects.toMatchObject({
    code: 'integrity',
  });
});
