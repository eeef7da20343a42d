import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readVerifiedBundle } from './bundle.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-bundle-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sha256 = (bytes: string) => createHash('sha256').update(bytes).digest('hex');

async function makeBundle(name: string, weights = 'weights'): Promise<string> {
  const bundle = await mkdtemp(join(folder, 'bundle-'));
  await writeFile(join(bundle, 'model.onnx'), weights);
  const description = {
    version: 1,
    name,
    format: 'onnx',
    files: [{ path: 'model.onnx', sha256: sha256(weights), bytes: weights.length }],
    model: 'model.onnx',
    input: {
      layout: 'NCHW',
      height: 224,
      width: 224,
      channels: 'RGB',
      scale: 1 / 255,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
      resize: { rule: 'crop', shorterSide: 256 },
      interpolation: 'bilinear',
    },
    output: 'logits',
    licence: 'Apache-2.0',
    source: 'made by this test',
  };
  await writeFile(join(bundle, 'bundle.json'), JSON.stringify(description));
  return bundle;
}

describe('reading a verified bundle', () => {
  test('takes the sha256 of its description as its digest', async () => {
    const bundle = await makeBundle('net');
    const text = await readFile(join(bundle, 'bundle.json'), 'utf8');
    const read = await readVerifiedBundle(bundle);
    expect(read).toMatchObject({ digest: sha256(text), bundle: { name: 'net' } });
  });

  test('refuses a tampered file by its name', async () => {
    const bundle = await makeBundle('net');
    await writeFile(join(bundle, 'model.onnx'), 'WEIGHTS');
    const message = `Expected 'model.onnx' of model 'net' to have sha256 ${sha256('weights')}, got ${sha256('WEIGHTS')}`;
    await expect(readVerifiedBundle(bundle)).rejects.toMatchObject({ code: 'integrity', message });
  });

  test.each([
    ['cut short', () => 'weight', /Expected 7 bytes in 'model.onnx' of model 'net', got 6/],
    ['missing', () => null, /Expected 7 bytes in 'model.onnx' of model 'net', got no file/],
  ])('refuses a file that is %s', async (_, content, message) => {
    const bundle = await makeBundle('net');
    const path = join(bundle, 'model.onnx');
    const text = content();
    await (text === null ? rm(path) : writeFile(path, text));
    await expect(readVerifiedBundle(bundle)).rejects.toThrow(message);
  });

  test('refuses a folder without a description, and an invalid description', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    await expect(readVerifiedBundle(empty)).rejects.toMatchObject({ code: 'invalid_input' });
    await writeFile(join(empty, 'bundle.json'), '{"version":1}');
    await expect(readVerifiedBundle(empty)).rejects.toThrow(/Bad model description .*name: /);
  });
});
