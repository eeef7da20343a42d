import { createHash, randomUUID } from 'node:crypto';
import { createUsageLedger } from '@umbra/platform/redis/usage-ledger';
import { keys } from '@umbra/platform/store/keys';
import { createS3Store } from '@umbra/platform/store/s3-store';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import { type Quotas, writeTenantRecord } from '@umbra/platform/tenancy/tenant';
import type { Dataset } from '@umbra/shared/contracts/dataset';
import type { JobStatus } from '@umbra/shared/contracts/job';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { post } from '../support/datasets.js';
import { until } from '../support/job-fixture.js';
import { s3Env } from '../support/s3-env.js';
import { makePhotos, startService, type TestService } from '../support/service.js';
import { makeTar, makeTarGz } from '../support/tar.js';
import { makeZip } from '../support/zip.js';

const s3 = inject('s3');
const own = `quota-user-${randomUUID()}/`;
let service: TestService;
let redis: Redis;
let photos: { name: string; bytes: Buffer }[];
let tenants = 0;

beforeAll(async () => {
  service = await startService({
    ...s3Env(),
    ...(s3 === null ? {} : { UMBRA_S3_SOURCES: `s3://${s3.sourceBucket}/${own}` }),
    UMBRA_AUTH: 'keys',
    UMBRA_RESUME_MS: '300',
  });
  redis = new Redis(service.redis.url);
  photos = await makePhotos(6);
});
afterAll(async () => {
  redis.disconnect();
  await service.close();
  vi.unstubAllEnvs();
});

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const none: Quotas = {
  images: null,
  bytes: null,
  positionsInFlight: null,
  jobs: null,
  openDatasets: null,
  streams: null,
};

/** A tenant of its own with these limits, and what it may do with its key. */
async function makeTenant(limits: Partial<Quotas>) {
  const tenant = `ingest-${tenants++}`;
  await writeTenantRecord(service.store, tenant, { version: 1, weight: 1, quotas: limits });
  const { text } = await createApiKey(service.store, { tenant, scopes: ['submit'] });
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${service.url}/v1${path}`, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${text}` },
    });
  const json = async <T>(asked: Promise<Response>): Promise<T> => (await asked).json() as T;
  const dataset = (id: string) => json<Dataset>(call(`/datasets/${id}`));
  return {
    ...{ tenant, call, json },
    open: async () => (await json<Dataset>(call('/datasets', post({})))).id,
    close: (id: string) => call(`/datasets/${id}/close`, { method: 'POST' }),
    remove: (id: string) => call(`/datasets/${id}`, { method: 'DELETE' }),
    upload: (count: number) => {
      const form = new FormData();
      for (const { name, bytes } of photos.slice(0, count)) {
        form.append('images', new Blob([new Uint8Array(bytes)]), name);
      }
      return call('/datasets', { method: 'POST', body: form });
    },
    settled: (id: string) =>
      until(`dataset ${id} to end`, async () => {
        const found = await dataset(id);
        return ['ready', 'failed'].includes(found.state) ? found : null;
      }),
    usage: () => createUsageLedger(redis, service.store).read(tenant, { ...none, ...limits }),
    /** The store alone says it. */
    counted: async () => {
      for (const key of await redis.keys(`umbra:usage:${tenant}:*`)) await redis.del(key);
      return createUsageLedger(redis, service.store).read(tenant, { ...none, ...limits });
    },
  };
}
type Tenant = Awaited<ReturnType<typeof makeTenant>>;

/** Make a dataset of all photos in a way that a worker ends. */
type Way = (tenant: Tenant) => Promise<string>;
const byArchive =
  (format: string, make: () => Promise<Buffer>): Way =>
  async ({ open, call, json, close }) => {
    const id = await open();
    const body = await make();
    const path = `/datasets/${id}/archives`;
    const archive = await json<{ id: string }>(call(path, post({ format, bytes: body.length })));
    const headers = {
      'content-type': 'application/offset+octet-stream',
      'upload-offset': '0',
    } as const;
    const init = { method: 'PATCH', headers, body: new Uint8Array(body) };
    expect((await call(`${path}/${archive.id}`, init)).status).toBe(204);
    expect((await close(id)).status).toBe(202);
    return id;
  };
const ways: [string, Way][] = [
  [
    'a zip in parts',
    byArchive('zip', () => makeZip(Object.fromEntries(photos.map((p) => [p.name, p.bytes])))),
  ],
  ['a tar in parts', byArchive('tar', () => makeTar(photos))],
  ['a tar.gz in parts', byArchive('tar.gz', () => makeTarGz(photos))],
];
if (s3 !== null) {
  const put = async (): Promise<string> => {
    const { sourceBucket: bucket, region, endpoint } = s3;
    const user = createS3Store({ bucket, prefix: own, region, endpoint });
    for (const { name, bytes } of photos) await user.put(`set/${name}`, bytes);
    return `s3://${bucket}/${own}set/`;
  };
  ways.push([
    'an S3 prefix',
    async ({ call, json }) => {
      const source = { kind: 's3', uri: await put() };
      return (await json<Dataset>(call('/datasets', post({ source })))).id;
    },
  ]);
  ways.push([
    'a manifest of S3 objects',
    async ({ call, json }) => {
      const uri = await put();
      const body = photos.map(({ name }) => JSON.stringify({ uri: `${uri}${name}` })).join('\n');
      const headers = { 'content-type': 'application/jsonl' };
      return (await json<Dataset>(call('/datasets', { method: 'POST', headers, body }))).id;
    },
  ]);
}

// The first: no worker runs yet.
test('the quota of positions applies to a job once its dataset is ready', async () => {
  const busy = await makeTenant({ positionsInFlight: 8 });
  const dataset = await byArchive('tar', () => makeTar(photos.slice(0, 3)))(busy);
  const settings = { patch: 16, stride: 16 };
  const order = post({ dataset, model: 'tiny', settings });
  const { id } = await busy.json<JobStatus>(busy.call('/jobs', order));
  expect((await busy.usage()).positionsInFlight).toBe(0);
  await service.startWorker();
  const job = await until('the job to fail', async () => {
    const found = await busy.json<JobStatus>(busy.call(`/jobs/${id}`));
    return found.state === 'failed' ? found : null;
  });
  expect(job.error).toEqual({
    code: 'quota_exceeded',
    message:
      'Beyond the quota of positions in flight: at most 8, of which 0 are used, and 12 were asked for',
  });
  expect((await busy.usage()).positionsInFlight).toBe(0);
  expect((await busy.settled(dataset)).state).toBe('ready');
});

test.each(ways)('a dataset from %s fails alone beyond the quota of images', async (_, make) => {
  const tenant = await makeTenant({ images: 5 });
  const { id: kept } = await tenant.json<Dataset>(tenant.upload(2));
  const id = await make(tenant);
  expect(await tenant.settled(id)).toMatchObject({
    ...{ state: 'failed', images: 3 },
    error: {
      code: 'quota_exceeded',
      message: 'Beyond the quota of images: at most 5, of which 2 are used, and 4 were asked for',
    },
  });
  // What fitted takes its place until the dataset is deleted, also in the store's own count.
  expect((await tenant.usage()).images).toBe(5);
  expect((await tenant.counted()).images).toBe(5);
  expect((await tenant.upload(1)).status).toBe(429);
  expect((await tenant.remove(id)).status).toBe(204);
  expect((await tenant.usage()).images).toBe(2);
  expect((await tenant.json<Dataset>(tenant.call(`/datasets/${kept}`))).state).toBe('ready');
  expect((await tenant.upload(3)).status).toBe(201);
});

test.each(ways)(
  'a dataset from %s is ready up to the quota, and uses its own size',
  async (_, make) => {
    const tenant = await makeTenant({ images: 6, bytes: 10_000_000 });
    const { bytes } = await tenant.settled(await make(tenant));
    const exact = { images: 6, bytes, positionsInFlight: 0, jobs: 0, openDatasets: 0 };
    await until('it to be booked', async () => {
      const usage = await tenant.usage();
      return usage.images === exact.images && usage.bytes === exact.bytes ? usage : null;
    });
    expect(await tenant.counted()).toEqual(exact);
  },
);

test('the quota of bytes applies to an archive before it is sent and as it is unpacked', async () => {
  const sum = photos.reduce((total, { bytes }) => total + bytes.length, 0);
  const whole = Math.floor(1.5 * sum);
  const tenant = await makeTenant({ bytes: whole });
  const id = await tenant.open();
  const begin = (bytes: number) =>
    tenant.call(`/datasets/${id}/archives`, post({ format: 'zip', bytes }));
  const refused = await begin(whole + 1);
  expect([refused.status, await refused.json()]).toMatchObject([
    429,
    {
      code: 'quota_exceeded',
      detail: `Beyond the quota of bytes: at most ${whole}, of which 0 are used, and ${whole + 1} were asked for`,
    },
  ]);
  const { id: archive } = await tenant.json<{ id: string }>(begin(whole));
  expect((await begin(1)).status).toBe(429);
  // Also where Redis was lost: what was promised is in the store.
  expect((await tenant.counted()).bytes).toBe(whole);
  const gone = await tenant.call(`/datasets/${id}/archives/${archive}`, { method: 'DELETE' });
  expect(gone.status).toBe(204);
  expect((await tenant.usage()).bytes).toBe(0);
  // Small when sent, and large when unpacked.
  const twice = photos.flatMap(({ name, bytes }) => [
    { name: `1-${name}`, bytes },
    { name: `2-${name}`, bytes },
  ]);
  const swollen = await byArchive('tar.gz', () => makeTarGz(twice))(tenant);
  expect(await tenant.settled(swollen)).toMatchObject({
    state: 'failed',
    error: { code: 'quota_exceeded', message: expect.stringContaining('quota of bytes') },
  });
});

test.skipIf(s3 === null)('presigned uploads are refused where they would not fit', async () => {
  const tenant = await makeTenant({ images: 3 });
  const id = await tenant.open();
  const files = photos.map(({ name, bytes }) => ({
    ...{ name, bytes: bytes.length, sha256: sha256Of(bytes) },
  }));
  type Signed = { uploads: { url: string; headers: Record<string, string> }[] };
  const ask = (from: number, to: number) =>
    tenant.call(`/datasets/${id}/uploads`, post({ files: files.slice(from, to) }));
  const refused = await ask(0, 4);
  expect([refused.status, await refused.json()]).toMatchObject([
    429,
    {
      code: 'quota_exceeded',
      detail: 'Beyond the quota of images: at most 3, of which 0 are used, and 4 were asked for',
    },
  ]);
  for await (const { key } of service.store.list(keys.datasetFiles(tenant.tenant, id))) {
    expect(key).toMatch(/dataset\.json$/);
  }
  const { uploads } = await tenant.json<Signed>(ask(0, 2));
  // The same list again is the same files; others are more.
  expect((await ask(0, 2)).status).toBe(201);
  expect((await ask(2, 4)).status).toBe(429);
  expect((await tenant.upload(2)).status).toBe(429);
  expect((await tenant.counted()).images).toBe(2);
  for (const [at, { url, headers }] of uploads.entries()) {
    const { 'content-length': _length, ...rest } = headers;
    const body = new Uint8Array(photos[at]?.bytes ?? []);
    expect((await fetch(url, { method: 'PUT', headers: rest, body })).status).toBe(200);
  }
  expect((await tenant.close(id)).status).toBe(202);
  expect(await tenant.settled(id)).toMatchObject({ state: 'ready', images: 2 });
  expect((await tenant.upload(1)).status).toBe(201);
  expect((await tenant.upload(1)).status).toBe(429);
});
