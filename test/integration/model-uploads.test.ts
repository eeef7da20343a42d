import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  encodeOnnx,
  endlessNetwork,
  type Network,
  tinyNetwork,
  writeTinyBundle,
} from '@umbra/engine/testing';
import { keys as places } from '@umbra/platform/store/keys';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import type { JobEstimate, JobStatus } from '@umbra/shared/contracts/job';
import { type ModelDetail, modelDetail } from '@umbra/shared/contracts/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawnApi } from '../support/api-process.js';
import { until } from '../support/job-fixture.js';
import { makePhotos, startService, type TestService } from '../support/service.js';

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
const photo = async () => (await makePhotos(1))[0]?.bytes ?? Buffer.alloc(0);
const names = Array.from({ length: 5 }, (_, index) => `kind ${index}`);
const claims = {
  name: 'mine',
  size: { height: 32, width: 32 },
  scale: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  output: 'logits',
};
/** The same network with other weights, by its seed. */
const network = (seed: number): Buffer => encodeOnnx(tinyNetwork(5, seed));

let service: TestService;
let folder: string;
const keys: Record<string, string> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-uploads-'));
  service = await startService({
    ...{ UMBRA_AUTH: 'keys', UMBRA_MAX_MODELS: '3', UMBRA_MAX_MODEL_MB: '1' },
    UMBRA_MODEL_MEMORY_MB: '700',
  });
  for (const tenant of ['alice', 'bob', 'carol']) {
    const key = await createApiKey(service.store, { tenant, scopes: ['admin'] });
    keys[tenant] = key.text;
  }
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

const call = (tenant: string, path: string, init: RequestInit = {}, url = service.url) =>
  fetch(`${url}${path}`, {
    ...init,
    headers: { ...init.headers, authorization: `Bearer ${keys[tenant]}` },
  });

type Parts = Readonly<Record<string, Buffer | object | string>>;
function formOf(parts: Parts): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(parts)) {
    if (Buffer.isBuffer(value))
      form.append(name, new Blob([new Uint8Array(value)]), '../../x.onnx');
    else form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return form;
}
const upload = (tenant: string, parts: Parts, init: RequestInit = {}, url = service.url) =>
  call(tenant, '/v1/models', { ...init, method: 'POST', body: formOf(parts) }, url);

async function uploaded(tenant: string, seed: number, more: object = {}): Promise<ModelDetail> {
  const description = { ...claims, ...more };
  const response = await upload(tenant, {
    model: network(seed),
    labels: names.join('\n'),
    description,
  });
  expect([201, 200]).toContain(response.status);
  return modelDetail.parse(await response.json());
}
/** Run `umbra models` for a tenant of the service. */
const models = (tenant: string, ...args: string[]) => {
  const env = { ...process.env, UMBRA_API_URL: service.url, UMBRA_API_KEY: keys[tenant] };
  return promisify(execFile)(process.execPath, [umbra, 'models', ...args], { env });
};
/** As `uploaded`, from files. */
async function uploadedByCommand(tenant: string, seed: number): Promise<ModelDetail> {
  const [file, labels] = [join(folder, `net-${seed}.onnx`), join(folder, 'labels.txt')];
  await writeFile(file, network(seed));
  await writeFile(labels, names.join('\n'));
  const { stdout } = await models(
    tenant,
    ...['upload', file, '--name', 'mine', '--input', '32x32', '--scale', '1/255'],
    ...['--mean', '0.5,0.5,0.5', '--std', '0.25,0.25,0.25', '--output', 'logits'],
    ...['--labels', labels],
  );
  const known = await upload(tenant, {
    ...{ model: network(seed), labels: names, description: claims },
  });
  expect(known.status).toBe(200);
  const model = modelDetail.parse(await known.json());
  expect(stdout).toBe(`mine: ready, sha256 ${model.digest}\n`);
  await expect(models(tenant, 'upload', join(folder, 'none.onnx'), '--name', 'x')).rejects.toThrow(
    /Expected an ONNX file at/,
  );
  return model;
}
const problemOf = async (response: Response) =>
  (await response.json()) as { status: number; code: string; detail: string };

/** Explain the photo as the command line does, with a bundle of the same file and the same claims. */
async function scoresHere(seed: number): Promise<readonly number[]> {
  const out = join(folder, `out-${seed}`);
  const bundle = await writeTinyBundle(out, { name: 'mine', seed });
  const png = join(folder, 'photo.png');
  await writeFile(png, await photo());
  const args = ['explain', png, '--model', bundle, '--patch', '8', '--stride', '8', '--out', out];
  await promisify(execFile)(process.execPath, [umbra, ...args]);
  const found = (await readdir(out, { recursive: true })).find((path) =>
    path.endsWith('scores.npy'),
  );
  return floatsOf(await readFile(join(out, found ?? 'scores.npy')));
}
const floatsOf = (npy: Buffer): number[] => {
  const values = npy.subarray(128);
  return Array.from({ length: values.length / 4 }, (_, at) => values.readFloatLE(at * 4));
};

async function makeDataset(tenant: string): Promise<string> {
  const form = new FormData();
  form.append('images', new Blob([new Uint8Array(await photo())]), 'photo.png');
  const response = await call(tenant, '/v1/datasets', { method: 'POST', body: form });
  return ((await response.json()) as { id: string }).id;
}
const postJob = (tenant: string, dataset: string, more: object = {}, query = '') =>
  call(tenant, `/v1/jobs${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataset, model: 'mine', settings: { patch: 8, stride: 8 }, ...more }),
  });
const jobEnds = (tenant: string, id: string) =>
  until('the job to end', async () => {
    const status = (await (await call(tenant, `/v1/jobs/${id}`)).json()) as JobStatus;
    expect(status.state).not.toBe('failed');
    return status.state === 'completed' ? status : null;
  });
/** How long a job would take, s; null where its model was not measured. */
async function estimatedSeconds(tenant: string): Promise<number | null> {
  const asked = await postJob(tenant, await makeDataset(tenant), {}, '?dryRun=true');
  return ((await asked.json()) as JobEstimate).seconds;
}
async function scoresOfJob(tenant: string): Promise<readonly number[]> {
  const { id } = (await (await postJob(tenant, await makeDataset(tenant))).json()) as JobStatus;
  await jobEnds(tenant, id);
  const file = await call(tenant, `/v1/jobs/${id}/images/img_00000000/scores.npy`);
  return floatsOf(Buffer.from(await file.arrayBuffer()));
}

describe('an uploaded model', () => {
  test('comes again without a check, and another one takes its place', async () => {
    const first = await uploaded('carol', 21);
    expect(first).toMatchObject({ name: 'mine', scope: 'tenant', classes: 5, source: 'uploaded' });
    expect(Date.parse(first.uploadedAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    const model = network(21);
    const again = await upload('carol', { description: claims, model, labels: names });
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual(first);
    const current = async () =>
      ((await (await call('carol', '/v1/models/mine')).json()) as ModelDetail).digest;
    const second = await uploaded('carol', 22);
    expect(second.digest).not.toBe(first.digest);
    expect(await current()).toBe(second.digest);
    expect((await uploaded('carol', 21)).digest).toBe(first.digest);
    expect(await current()).toBe(first.digest);
  });

  test('counts with every version, is kept while a job of it has not ended, and then is deleted', async () => {
    await uploaded('carol', 23, { name: 'other' });
    const full = await upload('carol', { model: network(24), description: claims });
    expect(await problemOf(full)).toMatchObject({
      code: 'quota_exceeded',
      detail: expect.stringContaining('at most 3, of which 3 are used'),
    });
    const made = await postJob('carol', await makeDataset('carol'), { model: 'other' });
    const { id: job } = (await made.json()) as JobStatus;
    const remove = () => call('carol', '/v1/models/other', { method: 'DELETE' });
    expect(await problemOf(await remove())).toMatchObject({
      status: 409,
      detail: `Model 'other' is in use by job '${job}', which has not ended`,
    });
    await service.startWorker();
    await jobEnds('carol', job);
    await until('the model to be free', async () =>
      models('carol', 'delete', 'other').then(
        () => true,
        () => null,
      ),
    );
    expect((await remove()).status).toBe(404);
    expect((await call('carol', `/v1/jobs/${job}/images/img_00000000/heatmap.png`)).status).toBe(
      200,
    );
    const tiny = await call('carol', '/v1/models/tiny', { method: 'DELETE' });
    expect(await problemOf(tiny)).toMatchObject({ status: 409 });
  });

  test('runs in jobs of its tenant as it does here; another of its name runs as its own', async () => {
    const [alices, bobs] = [await uploadedByCommand('alice', 11), await uploaded('bob', 12)];
    expect(bobs.digest).not.toBe(alices.digest);
    const [of11, of12] = [await scoresHere(11), await scoresHere(12)];
    expect(of11).not.toEqual(of12);
    for (const [tenant, expected] of [
      ['alice', of11],
      ['bob', of12],
    ] as const) {
      const scores = await scoresOfJob(tenant);
      expect(scores).toHaveLength(expected.length);
      for (const [at, score] of scores.entries()) {
        expect(score).toBeCloseTo(expected[at] ?? Number.NaN, 5);
      }
    }
    expect((await call('alice', '/v1/models/mine/layers')).status).toBe(200);
    const target = { kind: 'class', name: 'kind 3' };
    const watched = { settings: { patch: 8, stride: 8, target } };
    expect((await postJob('alice', await makeDataset('alice'), watched)).status).toBe(202);
  });

  test('is timed apart from others of its name', async () => {
    await until('a measured time', () => estimatedSeconds('alice'));
    expect(await estimatedSeconds('carol')).toBeNull();
  });

  test('is in no list and under no address of another tenant', async () => {
    await call('carol', '/v1/models/mine', { method: 'DELETE' });
    for (const path of ['', '/layers', '/layers/conv:0/filters.npy']) {
      const response = await call('carol', `/v1/models/mine${path}`);
      expect([path, response.status]).toEqual([path, 404]);
    }
    const { data } = (await (await call('carol', '/v1/models')).json()) as { data: ModelDetail[] };
    expect(data.map(({ name, scope }) => [name, scope])).toEqual([['tiny', 'service']]);
    expect((await postJob('carol', await makeDataset('carol'))).status).toBe(404);
  });
});

describe('an upload is refused', () => {
  const broken: readonly [string, Parts, number, string][] = [
    ['no model', { description: claims }, 400, "Expected a part 'model', got none"],
    ['no description', { model: network(1) }, 400, "Expected a part 'description', got none"],
    ['text for a model', { model: 'net.onnx', description: claims }, 400, 'to be a file, got text'],
    ['an unknown part', { weights: network(1) }, 400, "got 'weights'"],
    [
      'no JSON',
      { model: network(1), description: '{' },
      400,
      "Expected JSON in part 'description'",
    ],
    ['a bad name', { model: network(1), description: { ...claims, name: '../x' } }, 400, 'name'],
    [
      'an unknown field',
      { model: network(1), description: { ...claims, folder: '/' } },
      400,
      'folder',
    ],
    ['no ONNX', { model: Buffer.from('nothing'), description: claims }, 400, 'to be an ONNX model'],
    [
      'nothing said of it',
      { model: network(1), description: { name: 'mine' } },
      400,
      '  size: the extent of its input, px, since the file leaves it open\n  scale S, and mean R,G,B std R,G,B',
    ],
    [
      'weights elsewhere',
      { model: encodeOnnx(withFile(tinyNetwork())), description: claims },
      400,
      "got one that reads 'weights.bin'",
    ],
    [
      'too few labels',
      { model: network(1), labels: 'a\nb', description: claims },
      422,
      "to pass its check, got a failure of output: Expected 'labels.json' of model 'mine' to be a JSON array of 5 names, got 2",
    ],
    [
      'too much memory',
      { model: encodeOnnx(growing(tinyNetwork(5, 1))), description: claims },
      422,
      'took more than 700 MiB of memory',
    ],
    [
      'a name of the service',
      { model: network(1), description: { ...claims, name: 'tiny' } },
      409,
      'tiny',
    ],
    ['too much', { model: Buffer.alloc(10 * 1024 ** 2), description: claims }, 413, 'at most'],
  ];
  test.each(broken)('with %s, in words', async (_, parts, status, words) => {
    const problem = await problemOf(await upload('bob', parts));
    expect(problem).toMatchObject({ status, detail: expect.stringContaining(words) });
    expect(problem.detail).not.toContain(tmpdir());
  });

  test('of another type than a form', async () => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    expect((await call('bob', '/v1/models', init)).status).toBe(415);
  });

  test('and leaves nothing', async () => {
    const left = [];
    for await (const { key } of service.store.list(places.ownModels('bob'))) left.push(key);
    expect(left.map((key) => key.split('/').at(-1)).sort()).toEqual(
      ['bundle.json', 'labels.json', 'model.json', 'model.onnx'].sort(),
    );
    for await (const { key } of service.store.list('uploads/'))
      expect(key).not.toContain('models/');
    const folders = (await readdir(tmpdir())).filter((name) => name.startsWith('umbra-upload-'));
    expect(folders.filter((name) => name.includes(`-${process.pid}-`))).toEqual([]);
  });
});

/** Wait for the check of an upload by a process with this id. @returns The upload's folder. */
const checking = (pid: number): Promise<string> =>
  until('the check of a model', async () => {
    for (const name of await readdir(tmpdir())) {
      if (!name.startsWith('umbra-upload-') || !name.includes(`-${pid}-`)) continue;
      if (existsSync(join(tmpdir(), name, 'checked'))) return join(tmpdir(), name);
    }
    return null;
  });
const endless = {
  model: encodeOnnx(endlessNetwork()),
  description: { ...claims, name: 'endless' },
};

test('a client that leaves ends the check, and nothing of the model is kept', async () => {
  const leaving = new AbortController();
  const asked = upload('bob', endless, { signal: leaving.signal });
  asked.catch(() => undefined);
  const path = await checking(process.pid);
  leaving.abort();
  await until('the folder to go', async () => !existsSync(path) || null);
  expect((await call('bob', '/v1/models/endless')).status).toBe(404);
  expect(await keptOf('bob', 'endless')).toEqual([]);
});

test('an API that is killed in the middle of a check leaves nothing, and the next one takes the model', async () => {
  const first = await spawnApi({ ...service.env, UMBRA_AUTH: 'keys' });
  const asked = upload('bob', endless, {}, first.url);
  asked.catch(() => undefined);
  const path = await checking(first.pid);
  await first.kill();
  await expect(asked).rejects.toThrow();
  expect(await keptOf('bob', 'endless')).toEqual([]);
  const description = { ...claims, name: 'endless' };
  expect((await upload('bob', { model: network(31), description })).status).toBe(201);
  expect(existsSync(path)).toBe(false);
});

async function keptOf(tenant: string, name: string): Promise<string[]> {
  const kept: string[] = [];
  for (const place of [places.ownModelFiles(tenant, name), `uploads/${tenant}/`]) {
    for await (const { key } of service.store.list(place)) kept.push(key);
  }
  return kept;
}

/** Its scores wait for the largest of half a billion zeros. */
function growing({ nodes, weights, output, ...ports }: Network): Network {
  return {
    ...ports,
    weights: [...weights, { name: 'count', shape: [1], values: [2 ** 29], whole: true }],
    nodes: [
      ...nodes,
      { op: 'ConstantOfShape', inputs: ['count'], output: 'zeros' },
      { op: 'ReduceMax', inputs: ['zeros'], output: 'zero' },
      { op: 'Add', inputs: [output.name, 'zero'], output: 'scores' },
    ],
    output: { ...output, name: 'scores' },
  };
}

/** The first weights lie in a file beside the model. */
function withFile(network: Network): Network {
  const [first, ...rest] = network.weights;
  if (first === undefined) throw new TypeError('Expected weights');
  return { ...network, weights: [{ ...first, file: 'weights.bin' }, ...rest] };
}
