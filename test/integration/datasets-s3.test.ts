import { createHash, randomUUID } from 'node:crypto';
import { keys } from '@umbra/platform/store/keys';
import { createS3Store } from '@umbra/platform/store/s3-store';
import type { ObjectStore } from '@umbra/platform/store/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { datasetsOf } from '../support/datasets.js';
import { until } from '../support/job-fixture.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  waitForJob,
} from '../support/service.js';
import { spawnWorker } from '../support/worker-process.js';

const s3 = inject('s3');
const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe.skipIf(s3 === null)(`datasets on an S3 server (${s3?.kind})`, () => {
  let service: TestService;
  let datasets: ReturnType<typeof datasetsOf>;
  let bucket: ObjectStore;
  let photos: { name: string; bytes: Buffer }[];
  const own = `user-${randomUUID()}/`;
  const photo = (index: number): Buffer => photos[index]?.bytes ?? Buffer.alloc(0);
  const uri = (key: string) => `s3://${s3?.sourceBucket}/${own}${key}`;
  const json = (path: string, body: unknown) =>
    datasets.send(path, 'application/json', JSON.stringify(body));
  const jsonl = (path: string, lines: readonly unknown[]) =>
    datasets.send(
      path,
      'application/jsonl',
      lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
    );
  const made = async (response: Promise<Response>) =>
    (await datasets.json<{ id: string }>(await response, 202)).id;

  beforeAll(async () => {
    if (s3 === null) return;
    // Credentials come from the SDK's own chain, as they do for users.
    vi.stubEnv('AWS_ACCESS_KEY_ID', s3.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.secretAccessKey);
    service = await startService({
      UMBRA_STORE: 's3',
      UMBRA_S3_BUCKET: s3.bucket,
      UMBRA_S3_ENDPOINT: s3.endpoint,
      UMBRA_S3_REGION: s3.region,
      UMBRA_S3_PREFIX: `datasets-${randomUUID()}/`,
      UMBRA_S3_SOURCES: `s3://${s3.sourceBucket}/${own}, s3://${s3.bucket}/, s3://umbra-no-such-bucket/`,
      UMBRA_RESUME_MS: '300',
    });
    datasets = datasetsOf(service.url);
    const { region, endpoint } = s3;
    bucket = createS3Store({ bucket: s3.sourceBucket, prefix: own, region, endpoint });
    photos = await makePhotos(8);
    await bucket.put('set/cat/1.png', photo(0));
    await bucket.put('set/cat/2.png', photo(1));
    await bucket.put('set/dog/3.png', photo(2));
    await bucket.put('set/dog/copy.png', photo(2));
    await bucket.put('set/notes.txt', 'notes');
    await bucket.put('set/.hidden', 'hidden');
  });
  afterAll(async () => {
    await service.close();
    vi.unstubAllEnvs();
  });

  test('a prefix: images stay where they are, are run from there, and are held to their digest', async () => {
    await service.startWorker();
    const source = { kind: 's3', uri: uri('set/') };
    const id = await made(json('', { source, labels: 'folder', metadata: { from: 'bucket' } }));
    expect(await datasets.settled(id)).toMatchObject({
      ...{ state: 'ready', images: 4, refused: 1, duplicates: 1, labelled: 4 },
      metadata: { from: 'bucket' },
    });
    expect(await datasets.refusals(id)).toMatchObject([{ name: 'notes.txt' }]);
    expect(await datasets.images(id, '?limit=1')).toMatchObject([
      {
        name: 'cat/1.png',
        label: 'cat',
        source: { bucket: s3?.sourceBucket, key: `${own}set/cat/1.png` },
      },
    ]);
    for await (const { key } of service.store.list(`tenants/default/datasets/${id}/`)) {
      expect(key).toMatch(/(dataset\.json|manifest\.jsonl|refusals\.jsonl)$/);
    }
    await bucket.put('set/dog/3.png', photo(5));
    const settings = { patch: 16, stride: 16 };
    const job = await submitJob(service.url, { dataset: id, model: 'tiny', settings });
    expect(await waitForJob(service.url, job)).toMatchObject({
      counts: { total: 4, completed: 3, failed: 1 },
    });
    const files = `${service.url}/v1/jobs/${job}/images`;
    expect((await fetch(`${files}/img_00000000/input.png`)).status).toBe(200);
    const errors = await (await fetch(`${service.url}/v1/jobs/${job}/errors`)).text();
    expect(JSON.parse(errors)).toMatchObject({ id: 'img_00000002', error: { code: 'integrity' } });
    const drawn = (image: string) =>
      fetch(`${service.url}/v1/datasets/${id}/images/${image}/photo?w=20`);
    const shown = await drawn('img_00000000');
    expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'image/webp']);
    // Another photo lies there now: it is not the one of this dataset.
    expect(await (await drawn('img_00000002')).json()).toMatchObject({ code: 'integrity' });
    await bucket.put('set/dog/3.png', photo(2));
  });

  test('what the operator does not allow is forbidden; what is not there fails', async () => {
    for (const forbidden of [
      `s3://${s3?.bucket}/other/`,
      `s3://${s3?.sourceBucket}/other/`,
      `s3://${s3?.sourceBucket}/${own.slice(0, -1)}x/`,
      's3://elsewhere/set/',
    ]) {
      const response = await json('', { source: { kind: 's3', uri: forbidden } });
      expect(await response.json()).toMatchObject({ status: 403, code: 'forbidden' });
    }
    expect((await json('', { source: { kind: 's3', uri: 'https://x/' } })).status).toBe(400);
    const empty = await made(json('', { source: { kind: 's3', uri: uri('none/') } }));
    expect(await datasets.settled(empty)).toMatchObject({
      state: 'failed',
      error: { code: 'unprocessable', message: 'Expected at least one image, got none' },
    });
    const gone = await made(
      json('', { source: { kind: 's3', uri: 's3://umbra-no-such-bucket/' } }),
    );
    expect(await datasets.settled(gone)).toMatchObject({
      state: 'failed',
      error: { code: 'unprocessable' },
    });
  });

  test('a manifest: bad lines are refused one by one, with their number', async () => {
    const other = await datasets.json<{ id: string }>(
      await datasets.call('', { method: 'POST', body: formWith(photo(6)) }),
      201,
    );
    const box = { top: 0, left: 0, bottom: 10, right: 10 };
    const id = await made(
      jsonl('', [
        { uri: uri('set/cat/1.png'), name: 'one.png', label: 'cat', box },
        'no json',
        '',
        { uri: uri('set/none.png') },
        { name: 'none.png', sha256: '0'.repeat(64) },
        { name: 'copied.png', sha256: sha256Of(photo(6)), dataset: other.id, label: 3 },
        { uri: `s3://${s3?.sourceBucket}/other/x.png` },
        { uri: uri('set/cat/2.png'), sha256: '0'.repeat(64) },
        { uri: uri('set/cat/2.png'), surprise: 1 },
        { uri: uri('set/cat/2.png'), name: '../x.png' },
        { uri: uri('set/cat/2.png'), box: { ...box, right: 10_000 } },
        { name: 'nothing.png' },
        { name: 'again.png', sha256: sha256Of(photo(6)), dataset: other.id },
        { name: 'again.png', sha256: sha256Of(photo(6)) },
      ]),
    );
    expect(await datasets.settled(id)).toMatchObject({
      ...{ state: 'ready', images: 4, refused: 9, labelled: 2, duplicates: 2 },
    });
    expect(await datasets.images(id)).toMatchObject([
      { name: 'one.png', label: 'cat', box },
      { name: 'copied.png', label: 3 },
      { name: 'again.png' },
      { name: 'again.png' },
    ]);
    const reasons = (await datasets.refusals(id)).map(({ error }) => error.message);
    expect(reasons.map((reason) => Number(/^Line (\d+): /.exec(reason)?.[1]))).toEqual([
      2, 4, 5, 7, 8, 9, 10, 11, 12,
    ]);
    // The copy is this dataset's own.
    await datasets.call(`/${other.id}`, { method: 'DELETE' });
    expect(await service.store.head(keys.image('default', id, sha256Of(photo(6))))).not.toBeNull();
  });

  test('presigned uploads: S3 takes the bytes that were named, and no others', async () => {
    const id = await datasets.open();
    const files = [0, 1, 2].map((index) => ({
      name: `set/${index}.png`,
      bytes: photo(index).length,
      sha256: sha256Of(photo(index)),
      label: `class ${index}`,
    }));
    type Uploads = { uploads: { url: string | null; headers: Record<string, string> }[] };
    const { uploads } = await datasets.json<Uploads>(await json(`/${id}/uploads`, { files }), 201);
    const put = (index: number, body: Buffer) => {
      const { url, headers } = uploads[index] ?? { url: null, headers: {} };
      const { 'content-length': _length, ...rest } = headers;
      return fetch(url ?? '', { method: 'PUT', headers: rest, body: new Uint8Array(body) });
    };
    expect((await put(0, photo(0))).status).toBe(200);
    const wrong = Buffer.from(photo(1));
    wrong[40] = (wrong[40] ?? 0) ^ 1;
    const isHeld = s3?.kind !== 'emulator';
    if (isHeld) {
      expect((await put(1, wrong)).ok).toBe(false);
      expect((await put(1, photo(3))).ok).toBe(false);
    }
    // Asked again, what has come is not asked for again.
    const again = await datasets.json<Uploads>(await json(`/${id}/uploads`, { files }), 201);
    expect(again.uploads.map(({ url }) => url === null)).toEqual([true, false, false]);
    expect((await put(1, photo(1))).status).toBe(200);
    expect((await datasets.close(id)).status).toBe(202);
    // The third never came. The same list, asked for again, is one source.
    expect(await datasets.settled(id)).toMatchObject({
      ...{ state: 'ready', images: 2, refused: 1, labelled: 2, duplicates: 0 },
    });
    expect(await datasets.refusals(id)).toMatchObject([
      { name: 'set/2.png', error: { code: 'not_found' } },
    ]);
  });

  test('a large archive in parts is unpacked from S3', async () => {
    const id = await datasets.open();
    const { makeZip } = await import('../support/zip.js');
    const zip = await makeZip({ 'cat/a.png': photo(0), 'dog/b.png': photo(1) });
    const { id: archive } = await datasets.json<{ id: string }>(
      await json(`/${id}/archives`, { bytes: zip.length, format: 'zip' }),
      201,
    );
    for (const [start, end] of [
      [0, 1000],
      [1000, zip.length],
    ] as const) {
      const response = await datasets.call(`/${id}/archives/${archive}`, {
        method: 'PATCH',
        headers: {
          'content-type': 'application/offset+octet-stream',
          'upload-offset': String(start),
        },
        body: new Uint8Array(zip.subarray(start, end)),
      });
      expect(response.status).toBe(204);
    }
    await datasets.close(id);
    expect(await datasets.settled(id)).toMatchObject({ state: 'ready', images: 2 });
  });
});

describe('a worker that dies while it takes a dataset in', () => {
  test('is followed by another, which goes on; also after Redis was lost', async () => {
    const service = await startService({ UMBRA_RESUME_MS: '300', UMBRA_LOCK_MS: '1000' });
    const datasets = datasetsOf(service.url);
    try {
      const [first] = await makePhotos(1);
      const bytes = first?.bytes ?? Buffer.alloc(0);
      const source = await datasets.json<{ id: string }>(
        await datasets.call('', { method: 'POST', body: formWith(bytes) }),
        201,
      );
      const lines = 60_000;
      const text = Array.from(
        { length: lines },
        (_, index) =>
          `${JSON.stringify({ name: `${index}.png`, sha256: sha256Of(bytes), dataset: source.id })}\n`,
      ).join('');
      const { id } = await datasets.json<{ id: string }>(
        await datasets.send('', 'application/jsonl', text),
        202,
      );
      const doomed = await spawnWorker(service.env);
      const before = await until('some lines to be taken in', async () => {
        const { images, state } = await datasets.get(id);
        return images > 0 || state === 'ready' ? images : null;
      });
      await doomed.end('SIGKILL');
      expect(before).toBeLessThanOrEqual(lines);
      const redis = new Redis(service.redis.url);
      await redis.flushall();
      redis.disconnect();
      await service.startWorker();
      expect(await datasets.settled(id)).toMatchObject({
        ...{ state: 'ready', images: lines, refused: 0, duplicates: lines - 1 },
      });
      const manifest = (await service.store.get(keys.manifest('default', id))).toString();
      const ids = manifest
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { name: string }).name);
      expect(ids).toEqual(Array.from({ length: lines }, (_, index) => `${index}.png`));
    } finally {
      await service.close();
    }
  });

  test('a dataset that is deleted while it is taken in is gone', async () => {
    const service = await startService({ UMBRA_RESUME_MS: '300' });
    const datasets = datasetsOf(service.url);
    try {
      const sha256 = '0'.repeat(64);
      const text = `${JSON.stringify({ name: 'a.png', sha256 })}\n`.repeat(200_000);
      const { id } = await datasets.json<{ id: string }>(
        await datasets.send('', 'application/jsonl', text),
        202,
      );
      await service.startWorker();
      await until('some lines to be looked at', async () =>
        (await datasets.get(id)).refused > 0 ? true : null,
      );
      expect((await datasets.call(`/${id}`, { method: 'DELETE' })).status).toBe(204);
      await until('nothing to be left', async () => {
        for await (const _ of service.store.list(`tenants/default/datasets/${id}/`)) return null;
        for await (const _ of service.store.list('ingests/')) return null;
        return true;
      });
      expect((await datasets.call(`/${id}`)).status).toBe(404);
    } finally {
      await service.close();
    }
  });
});

function formWith(bytes: Buffer): FormData {
  const form = new FormData();
  form.append('images', new Blob([new Uint8Array(bytes)]), 'a.png');
  return form;
}
