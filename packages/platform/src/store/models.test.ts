import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ModelSummary, parseBundle } from '@umbra/shared/contracts/model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFsStore } from './fs-store.js';
import { keys } from './keys.js';
import {
  describeModel,
  fetchModel,
  findModel,
  listDigests,
  listModels,
  publishModel,
} from './models.js';
import { deleteOwnModel, listOwnVersions, publishOwnModel } from './own-models.js';
import type { ObjectStore } from './store.js';

const tenant = 'acme';
const own = (digest: string, of = tenant) => ({ tenant: of, name: 'net', digest });
let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-models-'));
  store = createFsStore(join(folder, 'store'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sha256 = (bytes: string) => createHash('sha256').update(bytes).digest('hex');

async function makeBundle(name: string, weights = 'weights', path = 'model.onnx'): Promise<string> {
  const bundle = await mkdtemp(join(folder, 'bundle-'));
  await mkdir(dirname(join(bundle, path)), { recursive: true });
  await writeFile(join(bundle, path), weights);
  const description = {
    version: 1,
    name,
    format: 'onnx',
    files: [{ path, sha256: sha256(weights), bytes: weights.length }],
    model: path,
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

async function publish(bundle: string): Promise<ModelSummary> {
  const text = await readFile(join(bundle, 'bundle.json'));
  const described = { bundle: parseBundle(text, bundle), digest: sha256(text.toString()) };
  return publishModel(store, bundle, described);
}

describe('publishModel', () => {
  test('stores files of any name, in folders of the bundle', async () => {
    const path = 'weights/Réseau 猫 (v2).onnx';
    const { digest } = await publish(await makeBundle('net', 'weights', path));
    const fetched = await fetchModel(store, own(digest), join(folder, 'cache'));
    expect(await readFile(join(fetched, path), 'utf8')).toBe('weights');
  });

  test('stores a bundle that fetchModel brings back byte for byte', async () => {
    const bundle = await makeBundle('net');
    const summary = await publish(bundle);
    const digest = sha256(await readFile(join(bundle, 'bundle.json'), 'utf8'));
    const resize = { rule: 'crop', shorterSide: 256 };
    const input = { height: 224, width: 224, resize };
    const output = { kind: 'logits' };
    expect(summary).toEqual({
      name: 'net',
      digest,
      format: 'onnx',
      input,
      output,
      licence: 'Apache-2.0',
      scope: 'service',
      uploadedAt: null,
    });
    expect(await findModel(store, { tenant, name: 'net' })).toEqual(summary);
    const fetched = await fetchModel(store, own(digest), join(folder, 'cache'));
    expect(fetched).toBe(join(folder, 'cache', 'net', digest));
    for (const file of ['bundle.json', 'model.onnx']) {
      expect(await readFile(join(fetched, file))).toEqual(await readFile(join(bundle, file)));
    }
  });

  test('is safe to repeat, and makes the newest current', async () => {
    const first = await publish(await makeBundle('net', 'first'));
    const second = await publish(await makeBundle('net', 'second'));
    expect(second.digest).not.toBe(first.digest);
    expect(await findModel(store, { tenant, name: 'net' })).toEqual(second);
    expect(await publish(await makeBundle('net', 'first'))).toEqual(first);
    expect(await findModel(store, { tenant, name: 'net' })).toEqual(first);
  });
});

describe('findModel and listModels', () => {
  test('name what there is', async () => {
    await publish(await makeBundle('beta'));
    await publish(await makeBundle('alpha'));
    expect((await listModels(store, tenant)).map(({ name }) => name)).toEqual(['alpha', 'beta']);
    await expect(findModel(store, { tenant, name: 'gamma' })).rejects.toMatchObject({
      code: 'not_found',
      message: "Unknown model 'gamma'; known: alpha, beta",
    });
  });

  test('call a model whose description is gone damaged, and not unknown', async () => {
    const { digest } = await publish(await makeBundle('net'));
    await store.delete(keys.modelFile('net', digest, 'bundle.json'));
    await expect(findModel(store, { tenant, name: 'net' })).rejects.toMatchObject({
      code: 'integrity',
    });
    await store.put(keys.currentModel('net'), 'no digest');
    await expect(findModel(store, { tenant, name: 'net' })).rejects.toMatchObject({
      code: 'integrity',
    });
  });
});

describe('a model of a tenant', () => {
  const upload = async (of: string, weights: string) => {
    const bundle = await makeBundle('net', weights);
    const text = await readFile(join(bundle, 'bundle.json'));
    const described = { bundle: parseBundle(text, bundle), digest: sha256(text.toString()) };
    await publishOwnModel(store, described, { tenant: of, folder: bundle, abandonedMs: 60_000 });
    return described.digest;
  };
  const weightsOf = async (of: string, digest: string) =>
    readFile(
      join(await fetchModel(store, own(digest, of), join(folder, of)), 'model.onnx'),
      'utf8',
    );

  test('is found by it alone, and no other finds what it holds', async () => {
    const [first, second] = [await upload('acme', 'of acme'), await upload('bolt', 'of bolt')];
    expect(await findModel(store, { tenant: 'acme', name: 'net' })).toMatchObject({
      digest: first,
      scope: 'tenant',
      uploadedAt: expect.stringMatching(/Z$/),
    });
    expect(await weightsOf('acme', first)).toBe('of acme');
    expect(await weightsOf('bolt', second)).toBe('of bolt');
    expect(await listModels(store, 'carl')).toEqual([]);
    for (const one of [own(first, 'carl'), own(second, 'acme')]) {
      await expect(describeModel(store, one)).rejects.toMatchObject({ code: 'not_found' });
      const fetching = fetchModel(store, one, join(folder, 'strange'));
      await expect(fetching).rejects.toMatchObject({ code: 'not_found' });
    }
  });

  test('comes before the one of the service, which is found where it is deleted', async () => {
    const { digest } = await publish(await makeBundle('net', 'of all'));
    const uploaded = await upload('acme', 'of acme');
    expect((await listModels(store, 'acme')).map((one) => one.digest)).toEqual([uploaded]);
    expect((await listModels(store, 'bolt')).map((one) => one.digest)).toEqual([digest]);
    expect(await weightsOf('acme', digest)).toBe('of all');
    await deleteOwnModel(store, { tenant: 'acme', name: 'net' });
    expect((await findModel(store, { tenant: 'acme', name: 'net' })).digest).toBe(digest);
  });

  test('keeps the versions that were replaced, until it is deleted', async () => {
    const versions = [await upload('acme', 'first'), await upload('acme', 'second')];
    const name = 'net';
    expect((await findModel(store, { tenant: 'acme', name })).digest).toBe(versions[1]);
    const found = await listDigests(store, { tenant: 'acme', name, scope: 'tenant' });
    expect(found.sort()).toEqual([...versions].sort());
    expect(await weightsOf('acme', versions[0] ?? '')).toBe('first');
    await deleteOwnModel(store, { tenant: 'acme', name });
    expect(await listOwnVersions(store, { tenant: 'acme' })).toEqual([]);
    const again = await upload('acme', 'first');
    expect(await listOwnVersions(store, { tenant: 'acme' })).toEqual([own(again, 'acme')]);
    expect(await store.head(keys.deletedModel('acme', name))).toBeNull();
    expect(await store.head(keys.modelUpload('acme', name, again))).toBeNull();
  });

  test('has no name that leads into a bundle', async () => {
    const digest = await upload('acme', 'weights');
    const inner = `net/${digest}`;
    await store.put(keys.ownModel('acme', inner), '{}');
    await expect(findModel(store, { tenant: 'acme', name: inner })).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('fetchModel', () => {
  const cache = () => join(folder, 'cache');

  test('refuses files that were tampered with in the store, and caches none', async () => {
    const { digest } = await publish(await makeBundle('net'));
    await store.put(keys.modelFile('net', digest, 'model.onnx'), 'WEIGHTS');
    const fetching = fetchModel(store, own(digest), cache());
    await expect(fetching).rejects.toMatchObject({ code: 'integrity' });
    expect(await readdir(cache())).toEqual([]);
  });

  test('refuses a description other than the digest says', async () => {
    const { digest } = await publish(await makeBundle('net'));
    await store.put(keys.modelFile('net', digest, 'bundle.json'), '{}');
    const fetching = fetchModel(store, own(digest), cache());
    await expect(fetching).rejects.toMatchObject({ code: 'integrity' });
  });

  test('serves racing callers one folder, and leaves no other', async () => {
    const { digest } = await publish(await makeBundle('net'));
    const racing = Array.from({ length: 8 }, () => fetchModel(store, own(digest), cache()));
    expect(new Set(await Promise.all(racing)).size).toBe(1);
    expect(await readdir(cache())).toEqual(['net']);
    expect(await readdir(join(cache(), 'net'))).toEqual([digest]);
  });

  test('needs the store only once', async () => {
    const { digest } = await publish(await makeBundle('net'));
    const fetched = await fetchModel(store, own(digest), cache());
    await rm(join(folder, 'store'), { recursive: true });
    expect(await fetchModel(store, own(digest), cache())).toBe(fetched);
  });

  test('keeps inside its cache', async () => {
    await expect(
      fetchModel(store, { tenant, name: '..', digest: '..' }, cache()),
    ).rejects.toMatchObject({
      code: 'invalid_input',
    });
    const unknown = fetchModel(store, own(sha256('unknown')), cache());
    await expect(unknown).rejects.toMatchObject({ code: 'not_found' });
  });
});
