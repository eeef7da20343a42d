import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFsStore } from './fs-store.js';
import { keys } from './keys.js';
import { fetchModel, findModel, listModels, publishModel, readBundle } from './models.js';
import type { ObjectStore } from './store.js';

let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-models-'));
  store = createFsStore(join(folder, 'store'));
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

describe('publishModel', () => {
  test('stores a bundle that fetchModel brings back byte for byte', async () => {
    const bundle = await makeBundle('net');
    const summary = await publishModel(store, bundle);
    const digest = sha256(await readFile(join(bundle, 'bundle.json'), 'utf8'));
    const input = { height: 224, width: 224 };
    expect(summary).toEqual({ name: 'net', digest, format: 'onnx', input, licence: 'Apache-2.0' });
    expect(await findModel(store, 'net')).toEqual(summary);
    const fetched = await fetchModel(store, 'net', digest, join(folder, 'cache'));
    expect(fetched).toBe(join(folder, 'cache', 'net', digest));
    for (const file of ['bundle.json', 'model.onnx']) {
      expect(await readFile(join(fetched, file))).toEqual(await readFile(join(bundle, file)));
    }
    expect((await readBundle(fetched)).digest).toBe(digest);
  });

  test('refuses a tampered file, naming it, and stores nothing', async () => {
    const bundle = await makeBundle('net');
    await writeFile(join(bundle, 'model.onnx'), 'WEIGHTS');
    const message = `Expected 'model.onnx' of model 'net' to have sha256 ${sha256('weights')}, got ${sha256('WEIGHTS')}`;
    await expect(publishModel(store, bundle)).rejects.toMatchObject({ code: 'integrity', message });
    expect(await listModels(store)).toEqual([]);
  });

  test.each([
    ['cut short', () => 'weight', /Expected 7 bytes in 'model.onnx' of model 'net', got 6/],
    ['missing', () => null, /Expected 7 bytes in 'model.onnx' of model 'net', got no file/],
  ])('refuses a file that is %s', async (_, content, message) => {
    const bundle = await makeBundle('net');
    const path = join(bundle, 'model.onnx');
    const text = content();
    await (text === null ? rm(path) : writeFile(path, text));
    await expect(publishModel(store, bundle)).rejects.toThrow(message);
  });

  test('refuses a folder without a description, and a description that is off', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    await expect(publishModel(store, empty)).rejects.toMatchObject({ code: 'invalid_input' });
    await writeFile(join(empty, 'bundle.json'), '{"version":1}');
    await expect(publishModel(store, empty)).rejects.toThrow(/Bad model description .*name: /);
  });

  test('is safe to repeat, and makes the newest current', async () => {
    const first = await publishModel(store, await makeBundle('net', 'first'));
    const second = await publishModel(store, await makeBundle('net', 'second'));
    expect(second.digest).not.toBe(first.digest);
    expect(await findModel(store, 'net')).toEqual(second);
    expect(await publishModel(store, await makeBundle('net', 'first'))).toEqual(first);
    expect(await findModel(store, 'net')).toEqual(first);
  });
});

describe('findModel and listModels', () => {
  test('name what there is', async () => {
    await publishModel(store, await makeBundle('beta'));
    await publishModel(store, await makeBundle('alpha'));
    expect((await listModels(store)).map(({ name }) => name)).toEqual(['alpha', 'beta']);
    await expect(findModel(store, 'gamma')).rejects.toMatchObject({
      code: 'not_found',
      message: "Unknown model 'gamma'; known: alpha, beta",
    });
  });

  test('call a model whose description is gone damaged, and not unknown', async () => {
    const { digest } = await publishModel(store, await makeBundle('net'));
    await store.delete(keys.modelFile('net', digest, 'bundle.json'));
    await expect(findModel(store, 'net')).rejects.toMatchObject({ code: 'integrity' });
    await store.put(keys.currentModel('net'), 'no digest');
    await expect(findModel(store, 'net')).rejects.toMatchObject({ code: 'integrity' });
  });
});

describe('fetchModel', () => {
  const cache = () => join(folder, 'cache');

  test('refuses files that were tampered with in the store, and caches none', async () => {
    const { digest } = await publishModel(store, await makeBundle('net'));
    await store.put(keys.modelFile('net', digest, 'model.onnx'), 'WEIGHTS');
    const fetching = fetchModel(store, 'net', digest, cache());
    await expect(fetching).rejects.toMatchObject({ code: 'integrity' });
    expect(await readdir(cache())).toEqual([]);
  });

  test('refuses a description other than the digest says', async () => {
    const { digest } = await publishModel(store, await makeBundle('net'));
    await store.put(keys.modelFile('net', digest, 'bundle.json'), '{}');
    const fetching = fetchModel(store, 'net', digest, cache());
    await expect(fetching).rejects.toMatchObject({ code: 'integrity' });
  });

  test('serves racing callers one folder, and leaves no other', async () => {
    const { digest } = await publishModel(store, await makeBundle('net'));
    const racing = Array.from({ length: 8 }, () => fetchModel(store, 'net', digest, cache()));
    expect(new Set(await Promise.all(racing)).size).toBe(1);
    expect(await readdir(cache())).toEqual(['net']);
    expect(await readdir(join(cache(), 'net'))).toEqual([digest]);
  });

  test('needs the store only once', async () => {
    const { digest } = await publishModel(store, await makeBundle('net'));
    const fetched = await fetchModel(store, 'net', digest, cache());
    await rm(join(folder, 'store'), { recursive: true });
    expect(await fetchModel(store, 'net', digest, cache())).toBe(fetched);
  });

  test('keeps inside its cache', async () => {
    await expect(fetchModel(store, '..', '..', cache())).rejects.toMatchObject({
      code: 'invalid_input',
    });
    const unknown = fetchModel(store, 'net', sha256('unknown'), cache());
    await expect(unknown).rejects.toMatchObject({ code: 'not_found' });
  });
});
