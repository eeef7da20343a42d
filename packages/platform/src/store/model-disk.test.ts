import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFsStore } from './fs-store.js';
import { keys } from './keys.js';
import { createModelDisk, type ModelDisk } from './model-disk.js';
import type { ObjectStore } from './store.js';

let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-disk-'));
  store = createFsStore(join(folder, 'store'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const cache = () => join(folder, 'cache');
const hash = (text: string) => createHash('sha256').update(text).digest('hex');

/** Store a model of 1,000 bytes beside its description. */
async function storeModel(name: string) {
  const weights = name.padEnd(1_000, '.');
  const text = JSON.stringify({
    ...{ version: 1, name, format: 'onnx', model: 'model.onnx', output: 'logits' },
    files: [{ path: 'model.onnx', sha256: hash(weights), bytes: weights.length }],
    input: {
      ...{ layout: 'NCHW', height: 8, width: 8, channels: 'L', scale: 1, mean: [0], std: [1] },
      ...{ resize: { rule: 'squash' }, interpolation: 'bilinear' },
    },
    ...{ licence: 'none', source: 'this test' },
  });
  const digest = hash(text);
  await store.put(keys.modelFile(name, digest, 'model.onnx'), weights);
  await store.put(keys.modelFile(name, digest, 'bundle.json'), text);
  return { tenant: 'acme', name, digest };
}
const usedAgo = (path: string, minutes: number) => {
  const then = new Date(Date.now() - minutes * 60_000);
  return utimes(path, then, then);
};
const open = (maxBytes: number): ModelDisk => createModelDisk(store, { folder: cache(), maxBytes });

test('what was used longest ago goes once there is too much, and comes back when it is asked for', async () => {
  const disk = open(3_500);
  const models = await Promise.all(['one', 'two', 'three'].map(storeModel));
  const [one, two, three] = models as [(typeof models)[0], (typeof models)[0], (typeof models)[0]];
  const first = await disk.get(one);
  const second = await disk.get(two);
  await usedAgo(first, 30);
  await usedAgo(second, 20);
  // Asked for again: now the other one was not used longest.
  await disk.get(one);
  await disk.get(three);
  expect([existsSync(first), existsSync(second)]).toEqual([true, false]);
  expect((await readdir(cache())).filter((name) => name.startsWith('.'))).toEqual([]);
  expect(await disk.get(two)).toBe(second);
});

test('what is in use stays, however much there is', async () => {
  const disk = open(1);
  const folders = [
    await disk.get(await storeModel('one')),
    await disk.get(await storeModel('two')),
  ];
  expect(folders.map((path) => existsSync(path))).toEqual([true, true]);
});
