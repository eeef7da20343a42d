import { keys as places } from '@umbra/platform/store/keys';
import {
  createApiKey,
  readApiKey,
  revokeApiKey,
  rotateApiKey,
} from '@umbra/platform/tenancy/api-keys';
import { type TenantRecord, writeTenantRecord } from '@umbra/platform/tenancy/tenant';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePhotos, startService, type TestService } from '../support/service.js';
import { makeZip } from '../support/zip.js';

let service: TestService;
let photos: { name: string; bytes: Buffer }[];
let tenants = 0;

beforeAll(async () => {
  service = await startService({ UMBRA_AUTH: 'keys', UMBRA_REQUESTS_PER_MINUTE: '1000' });
  photos = await makePhotos(6);
});
afterAll(() => service.close());

type Limits = Omit<Partial<TenantRecord>, 'version'>;
/** A tenant of its own, with what is set for it, and its key. */
async function makeTenant(limits?: Limits): Promise<{ tenant: string; key: string }> {
  const tenant = `tenant-${tenants++}`;
  if (limits !== undefined) {
    const record: TenantRecord = { version: 1, weight: 1, quotas: {}, ...limits };
    await writeTenantRecord(service.store, tenant, record);
  }
  return { tenant, key: (await createApiKey(service.store, { tenant, scopes: ['submit'] })).text };
}

const call = (path: string, key: string, init: RequestInit = {}) =>
  fetch(`${service.url}${path}`, {
    ...init,
    headers: { ...init.headers, authorization: `Bearer ${key}` },
  });

const uploadForm = (key: string, count: number, from = 0) => {
  const form = new FormData();
  for (const { name, bytes } of photos.slice(from, from + count)) {
    form.append('images', new Blob([new Uint8Array(bytes)]), name);
  }
  return call('/v1/datasets', key, { method: 'POST', body: form });
};
const uploadZip = async (key: string, count: number) => {
  const files = photos.slice(0, count).map(({ name, bytes }) => [name, bytes] as const);
  const body = new Uint8Array(await makeZip(Object.fromEntries(files)));
  const headers = { 'content-type': 'application/zip' };
  return call('/v1/datasets', key, { method: 'POST', headers, body });
};
const idOf = async (made: Promise<Response>): Promise<string> => {
  const response = await made;
  expect([201, 202]).toContain(response.status);
  return ((await response.json()) as { id: string }).id;
};
const postJob = (key: string, dataset: string) =>
  call('/v1/jobs', key, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataset, model: 'tiny', settings: { patch: 16, stride: 16 } }),
  });
const problemOf = async (response: Response) =>
  (await response.json()) as { code: string; detail: string; status: number };
const storedBy = async (tenant: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const { key } of service.store.list(`tenants/${tenant}/`)) found.push(key);
  return found;
};

describe('an API key', () => {
  test('is refused within five seconds of its revocation', async () => {
    const { key } = await makeTenant();
    expect((await call('/v1/models', key)).status).toBe(200);
    await revokeApiKey(service.store, key.split('_')[1] ?? '');
    const revokedAt = Date.now();
    for (let askedAt = revokedAt; (await call('/v1/models', key)).status === 200; ) {
      expect(askedAt - revokedAt).toBeLessThan(5_000);
      await new Promise((resolve) => setTimeout(resolve, 100));
      askedAt = Date.now();
    }
    const problem = await problemOf(await call('/v1/models', key));
    expect(problem).toMatchObject({ code: 'unauthorized', detail: 'This API key was revoked' });
  });

  test('is refused after the grace of its rotation, and the new one is accepted', async () => {
    const { tenant, key } = await makeTenant();
    const dataset = await idOf(uploadForm(key, 1));
    const prefix = key.split('_')[1] ?? '';
    const next = await rotateApiKey(service.store, prefix, 3_600_000);
    expect((await call(`/v1/datasets/${dataset}`, next.text)).status).toBe(200);
    expect((await call(`/v1/datasets/${dataset}`, key)).status).toBe(200);
    const ended = {
      ...(await readApiKey(service.store, prefix)),
      expiresAt: next.record.createdAt,
    };
    await service.store.put(places.apiKey(prefix), JSON.stringify(ended));
    const deadline = Date.now() + 20_000;
    while ((await call('/v1/models', key)).status === 200) {
      expect(Date.now()).toBeLessThan(deadline);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await problemOf(await call('/v1/models', key))).toMatchObject({
      detail: 'This API key has expired',
    });
    expect(next.record.tenant).toBe(tenant);
    expect((await call(`/v1/datasets/${dataset}`, next.text)).status).toBe(200);
  });
});

describe('the request rate', () => {
  test('is reported in standard headers and limited, tenant by tenant', async () => {
    const { key } = await makeTenant({ requestsPerMinute: 3 });
    const other = await makeTenant({ requestsPerMinute: 3 });
    const first = await call('/v1/models', key);
    expect(first.headers.get('ratelimit-policy')).toMatch(/^"requests"; q=3; w=60/);
    expect(first.headers.get('ratelimit')).toMatch(/^"requests"; r=2; t=\d+/);
    await call('/v1/models', key);
    await call('/v1/models', key);
    const refused = await call('/v1/models', key);
    expect(refused.status).toBe(429);
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(await problemOf(refused)).toMatchObject({
      code: 'rate_limited',
      detail: 'Expected at most 3 requests a minute',
    });
    expect((await call('/v1/models', other.key)).status).toBe(200);
    for (const path of ['/healthz', '/readyz']) {
      const probe = await fetch(`${service.url}${path}`);
      expect([probe.status, probe.headers.get('ratelimit')]).toEqual([200, null]);
    }
  });

  test('has the default limit unless a tenant has its own or none', async () => {
    const plain = await call('/v1/models', (await makeTenant()).key);
    expect(plain.headers.get('ratelimit-policy')).toMatch(/q=1000;/);
    const free = await call('/v1/models', (await makeTenant({ requestsPerMinute: null })).key);
    expect([free.status, free.headers.get('ratelimit')]).toEqual([200, null]);
  });
});

describe('stored data', () => {
  test.each([
    ['a form', (key: string, count: number) => uploadForm(key, count)],
    ['a zip', uploadZip],
  ])('is limited by the quota of images in %s, of which nothing is left', async (_, upload) => {
    const { tenant, key } = await makeTenant({ quotas: { images: 4 } });
    const kept = await idOf(upload(key, 3));
    const before = await storedBy(tenant);
    const refused = await upload(key, 2);
    expect(refused.status).toBe(429);
    expect(await problemOf(refused)).toMatchObject({
      code: 'quota_exceeded',
      detail: 'Beyond the quota of images: at most 4, of which 3 are used, and 2 were asked for',
    });
    expect(await storedBy(tenant)).toEqual(before);
    expect((await call(`/v1/datasets/${kept}`, key)).status).toBe(200);
    // What fits still goes in, to the last one; then what was deleted is free again.
    await idOf(upload(key, 1));
    expect((await upload(key, 1)).status).toBe(429);
    expect((await call(`/v1/datasets/${kept}`, key, { method: 'DELETE' })).status).toBe(204);
    await idOf(upload(key, 3));
  });

  test('is limited by the quota of bytes', async () => {
    const [first, second] = photos.map(({ bytes }) => bytes.length) as [number, number];
    const { key } = await makeTenant({ quotas: { bytes: first + second } });
    const problem = await problemOf(await uploadForm(key, 3));
    expect(problem.detail).toMatch(/^Beyond the quota of bytes: at most \d+, of which 0 are used/);
    await idOf(uploadForm(key, 2));
  });

  test('is refused before it is read once the quota is spent', async () => {
    const { key } = await makeTenant({ quotas: { images: 1 } });
    await idOf(uploadForm(key, 1));
    const body = Buffer.from('this is no zip, and nobody finds out');
    const headers = { 'content-type': 'application/zip' };
    const refused = await call('/v1/datasets', key, { method: 'POST', headers, body });
    expect(await problemOf(refused)).toMatchObject({ code: 'quota_exceeded' });
  });

  test('takes nothing of the quota for a bad file', async () => {
    const { key } = await makeTenant({ quotas: { images: 1 } });
    const bad = new FormData();
    bad.append('images', new Blob(['no image']), 'bad.png');
    expect((await call('/v1/datasets', key, { method: 'POST', body: bad })).status).toBe(400);
    await idOf(uploadForm(key, 1));
  });
});

test('open datasets are limited by the quota, until they are complete or deleted', async () => {
  const { tenant, key } = await makeTenant({ quotas: { openDatasets: 1 } });
  const open = () =>
    call('/v1/datasets', key, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
  const first = await idOf(open());
  const before = await storedBy(tenant);
  const refused = await open();
  expect(refused.status).toBe(429);
  expect(await problemOf(refused)).toMatchObject({
    code: 'quota_exceeded',
    detail:
      'Beyond the quota of open datasets: at most 1, of which 1 are used, and 1 were asked for',
  });
  const lines = { 'content-type': 'application/jsonl' };
  const manifest = await call('/v1/datasets', key, { method: 'POST', headers: lines, body: '{}' });
  expect(manifest.status).toBe(429);
  expect(await storedBy(tenant)).toEqual(before);
  // What is complete at once is never open.
  await idOf(uploadForm(key, 1));
  const body = new FormData();
  body.append('images', new Blob([new Uint8Array(photos[0]?.bytes ?? [])]), 'a.png');
  await call(`/v1/datasets/${first}/images`, key, { method: 'POST', body });
  expect((await call(`/v1/datasets/${first}/close`, key, { method: 'POST' })).status).toBe(200);
  const second = await idOf(open());
  await call(`/v1/datasets/${second}`, key, { method: 'DELETE' });
  await idOf(open());
});

test('jobs and their followers are limited by the quota', async () => {
  const { key } = await makeTenant({ quotas: { jobs: 1, streams: 1 } });
  const dataset = await idOf(uploadForm(key, 1));
  const job = await idOf(postJob(key, dataset));
  const refused = await postJob(key, dataset);
  expect(await problemOf(refused)).toMatchObject({
    code: 'quota_exceeded',
    detail: expect.stringContaining('jobs that have not ended: at most 1, of which 1 are used'),
  });
  const follow = (signal?: AbortSignal) =>
    call(`/v1/jobs/${job}/events`, key, signal === undefined ? {} : { signal });
  const client = new AbortController();
  expect((await follow(client.signal)).status).toBe(200);
  const second = await follow();
  expect(second.status).toBe(429);
  expect(await problemOf(second)).toMatchObject({
    code: 'quota_exceeded',
    detail: expect.stringContaining('streams: at most 1'),
  });
  client.abort();
  const next = new AbortController();
  for (let status = 429; status !== 200; ) status = (await follow(next.signal)).status;
  next.abort();
  expect((await call(`/v1/jobs/${job}/cancel`, key, { method: 'POST' })).status).toBe(202);
});

// The last: it has the jobs run.
test('positions in flight are limited by the quota, and released when their job ends', async () => {
  const { tenant, key } = await makeTenant({ quotas: { positionsInFlight: 10 } });
  const dataset = await idOf(uploadForm(key, 2));
  const job = await idOf(postJob(key, dataset));
  const before = await storedBy(tenant);
  const refused = await postJob(key, dataset);
  expect(refused.status).toBe(429);
  expect(await problemOf(refused)).toMatchObject({
    code: 'quota_exceeded',
    detail:
      'Beyond the quota of positions in flight: at most 10, of which 8 are used, and 8 were asked for',
  });
  expect(await storedBy(tenant)).toEqual(before);
  await service.startWorker();
  for (let state = ''; state !== 'completed'; ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    state = ((await (await call(`/v1/jobs/${job}`, key)).json()) as { state: string }).state;
    expect(state).not.toBe('failed');
  }
  const deadline = Date.now() + 10_000;
  let next = await postJob(key, dataset);
  while (next.status === 429) {
    expect(Date.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 200));
    next = await postJob(key, dataset);
  }
  expect(next.status).toBe(202);
});
