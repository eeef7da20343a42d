import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyNetwork, writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeHead, encodeOnnx } from '../testing/tiny-onnx.js';
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

test('another model of the same name is refused unless it replaces the first', async () => {
  const registry = join(folder, 'names');
  const one = await stageBundle(await writeTinyBundle(join(folder, 'one'), { seed: 1 }));
  const two = await stageBundle(await writeTinyBundle(join(folder, 'two'), { seed: 2 }));
  await addModel(registry, one);
  await expect(addModel(registry, two)).rejects.toMatchObject({ code: 'conflict' });
  expect(await addModel(registry, two, true)).toMatchObject({ known: false });
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
    detail: expect.stringContaining("'independent-probabilities', which its file ends in"),
  });
});
