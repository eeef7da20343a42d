import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyNetwork, writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeHead, encodeOnnx, type Network } from '../testing/tiny-onnx.js';
import { checkModel } from './check.js';
import { describeFolder } from './describe.js';
import { addModel, stageBundle } from './registry.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-check-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const claims = {
  output: 'logits',
  size: { height: 48, width: 64 },
  scale: 1 / 255,
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

test('a plain ONNX file is described, added once, and passes every check', async () => {
  const file = join(folder, 'Plain-Net.onnx');
  await writeFile(file, encodeOnnx(tinyNetwork()));
  await expect(describeFolder(file, {})).rejects.toThrow('--input HEIGHTxWIDTH');
  const staged = await describeFolder(file, claims);
  expect(staged.bundle).toMatchObject({
    name: 'plain-net',
    output: { kind: 'logits' },
    format: 'onnx',
  });
  const registry = join(folder, 'registry');
  expect(await addModel(registry, staged)).toMatchObject({ known: false });
  expect(await addModel(registry, staged)).toMatchObject({ known: true });
  const steps = await checkModel(join(registry, 'plain-net'));
  expect(steps).toHaveLength(7);
  expect(steps.filter(({ ok }) => ok !== true)).toEqual([]);
  expect(steps.at(-1)?.detail).toContain('dense and incremental differ');
});

test('files of any name, and weights in a folder of their own, are added and run', async () => {
  const source = join(folder, 'any names');
  const tiny = tinyNetwork();
  const place = 'weights/w (1) é.bin';
  const weights = tiny.weights.map((weight) =>
    weight.name === 'w2' ? { ...weight, file: `./${place}` } : weight,
  );
  await mkdir(join(source, 'weights'), { recursive: true });
  const values = tiny.weights.find(({ name }) => name === 'w2')?.values ?? [];
  await writeFile(join(source, place), new Uint8Array(Float32Array.from(values).buffer));
  await writeFile(join(source, 'Réseau 猫 (v2).onnx'), encodeOnnx({ ...tiny, weights }));
  const staged = await describeFolder(source, claims);
  expect(staged.bundle.name).toBe('reseau-v2');
  expect(staged.bundle.files.map(({ path }) => path)).toEqual(['Réseau 猫 (v2).onnx', place]);
  const registry = join(folder, 'registry');
  await addModel(registry, staged);
  const steps = await checkModel(join(registry, 'reseau-v2'));
  expect(steps.filter(({ ok }) => ok !== true)).toEqual([]);
});

test('a model whose file gives no name asks for one', async () => {
  const file = join(folder, '猫.onnx');
  await writeFile(file, encodeOnnx(tinyNetwork()));
  await expect(describeFolder(file, claims)).rejects.toThrow('--name NAME: a name of a-z');
  expect((await describeFolder(file, { ...claims, name: 'neko' })).bundle.name).toBe('neko');
});

test('weights outside the folder of the model are refused', async () => {
  const source = join(folder, 'outside');
  await mkdir(source, { recursive: true });
  await writeFile(join(folder, 'w.bin'), 'x');
  const [first, ...rest] = tinyNetwork().weights;
  const weights = [{ ...first, file: '../w.bin' }, ...rest] as Network['weights'];
  await writeFile(join(source, 'net.onnx'), encodeOnnx({ ...tinyNetwork(), weights }));
  await expect(describeFolder(source, claims)).rejects.toThrow(
    "Expected a relative path, got the folder '..' in '../w.bin'",
  );
});

test('another model of the same name is refused unless it replaces the first', async () => {
  const registry = join(folder, 'names');
  const one = await stageBundle(await writeTinyBundle(join(folder, 'one'), { seed: 1 }));
  const two = await stageBundle(await writeTinyBundle(join(folder, 'two'), { seed: 2 }));
  await addModel(registry, one);
  await expect(addModel(registry, two)).rejects.toMatchObject({ code: 'conflict' });
  expect(await addModel(registry, two, { replace: true })).toMatchObject({ known: false });
  expect((await stageBundle(join(registry, 'tiny'))).description).toEqual(two.description);
});

test('names of several classes are a warning, and no failure', async () => {
  const labels = ['crane', 'ox', 'crane', 'n01440764 tench', 'Ox'];
  const steps = await checkModel(await writeTinyBundle(folder, { name: 'doubled', labels }));
  expect(steps.filter(({ ok }) => ok !== true)).toEqual([]);
  expect(steps.find(({ name }) => name === 'labels')?.detail).toBe(
    "5 names, from 'crane' to 'Ox'; warning: a target or label cannot name one of several classes: 'crane' (0, 2); give the index",
  );
});

test('a description that takes logits for probabilities fails the check', async () => {
  const path = await writeTinyBundle(folder, { name: 'slip', output: 'probabilities' });
  const steps = await checkModel(path);
  expect(steps.find(({ ok }) => ok === false)).toMatchObject({ name: 'output' });
  expect(steps.at(-1)).toMatchObject({ name: 'parity', ok: null });
});

test('a last activation that contradicts the description fails the check', async () => {
  const weights = Array.from({ length: 48 * 3 }, (_, at) => (at % 7) - 3);
  const onnx = encodeHead(weights, { last: 'Sigmoid' });
  const path = await writeTinyBundle(folder, {
    name: 'sigmoid',
    size: 4,
    onnx,
    labels: null,
    output: 'independent-logits',
  });
  const steps = await checkModel(path);
  expect(steps.find(({ ok }) => ok === false)).toMatchObject({
    name: 'output',
    detail: expect.stringContaining("'independent-probabilities', as its last operation states"),
  });
});
