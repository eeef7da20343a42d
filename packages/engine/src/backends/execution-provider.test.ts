import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBundle } from '../models/bundle.js';
import { allowedStrategy } from '../occlusion/strategy.js';
import { writeTinyBundle } from '../testing/tiny-bundle.js';
import { deviceOf } from './execution-provider.js';
import { loadOnnxruntime } from './onnxruntime.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'umbra-provider-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('a device names each kind of card once, as the driver does', async () => {
  for (const card of ['0000:01:00.0', '0000:02:00.0']) {
    await mkdir(join(root, 'cards', card), { recursive: true });
    await writeFile(
      join(root, 'cards', card, 'information'),
      'Model: \t NVIDIA H100 PCIe\nIRQ: 1\n',
    );
  }
  expect(deviceOf('cuda', join(root, 'cards'))).toBe('cuda (NVIDIA H100 PCIe)');
  expect(deviceOf('cuda', join(root, 'none'))).toBe('cuda');
  expect(deviceOf('cpu', join(root, 'cards'))).toBe('cpu');
});

const cuda = { provider: 'cuda', sessionThreads: 1 } as const;

test('the error for a missing provider names what it needs', async () => {
  const folder = await writeTinyBundle(root);
  const { bundle } = await readBundle(folder);
  await expect(loadOnnxruntime(folder, bundle, cuda)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/execution provider 'cuda'.*CUDA 12/),
  });
});

test('a broken model is reported as broken, whatever the provider', async () => {
  const folder = await writeTinyBundle(root, { name: 'broken', onnx: Buffer.from('no model') });
  const { bundle } = await readBundle(folder);
  await expect(loadOnnxruntime(folder, bundle, cuda)).rejects.toMatchObject({ code: 'integrity' });
});

test('incremental is refused off the cpu, where auto means dense', () => {
  expect(allowedStrategy('auto', { provider: 'webgpu' })).toBe('dense');
  expect(allowedStrategy('auto', { provider: 'cpu' })).toBe('auto');
  expect(() => allowedStrategy('incremental', { provider: 'cuda' })).toThrow(
    /provider here is cuda/,
  );
});
