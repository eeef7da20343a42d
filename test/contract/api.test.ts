import { connect } from 'node:net';
import { startApi } from '@umbra/api';
import { apiConfig } from '@umbra/api/config';
import { hugePng } from '@umbra/engine/testing';
import { readConfig } from '@umbra/platform/config';
import { keys } from '@umbra/platform/store/keys';
import { at } from '@umbra/shared/assert';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  makePhotos,
  postJob,
  startService,
  submitJob,
  type TestService,
  upload,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';
import { makeZip } from '../support/zip.js';

let service: TestService;
let dataset: string;

beforeAll(async () => {
  service = await startService({
    UMBRA_MAX_IMAGE_BYTES: '200000',
    UMBRA_MAX_UPLOAD_BYTES: '1000000',
  });
  await service.startWorker();
  dataset = await uploadPhotos(service.url, await makePhotos(3));
});
afterAll(() => service.close());

type Problem = { status: number; code: string; detail: string; title: string; type: string };
async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  expect(problem.type).toBe(`urn:umbra:problem:${problem.code}`);
  return problem;
}
const get = (path: string) => fetch(`${service.url}${path}`);
const job = (settings: unknown, more = {}) =>
  postJob(service.url, { dataset, model: 'tiny', settings, ...more });

describe('an upload', () => {
  const good = async () => at(await makePhotos(1), 0);
  const truncated = async () => {
    const whole = await sharp((await good()).bytes)
      .jpeg()
      .toBuffer();
    return whole.subarray(0, whole.length - 60);
  };
  test.each([
    ['text', async () => Buffer.from('hello'), 'Expected an image (JPEG'],
    ['truncated JPEG', truncated, 'cannot be decoded'],
    ['nothing', async () => Buffer.alloc(0), 'empty file'],
    ['bomb', async () => hugePng(50_000, 50_000), 'got 50000 x 50000 px'],
    ['too large', async () => Buffer.alloc(200_001), 'at most 200000 bytes, got 200001'],
  ])(
    'with a bad file (%s) refuses it with a reason, and takes the rest',
    async (name, make, reason) => {
      const response = await upload(service.url, [{ name, bytes: await make() }, await good()]);
      expect(response.status).toBe(201);
      const body = (await response.json()) as {
        id: string;
        images: number;
        refused: number;
        refusals: { name: string; error: { message: string } }[];
      };
      expect(response.headers.get('location')).toBe(`/v1/datasets/${body.id}`);
      expect(body).toMatchObject({ images: 1, refused: 1, refusals: [{ name }] });
      expect(body.refusals[0]?.error.message).toContain(reason);
      expect(await (await get(`/v1/datasets/${body.id}`)).json()).toMatchObject({ images: 1 });
    },
  );

  test('without a good image creates no dataset, and is answered with the reasons', async () => {
    const response = await upload(service.url, [{ name: 'a.jpg', bytes: Buffer.from('x') }]);
    const problem = (await problemOf(response)) as Problem & { refusals: { name: string }[] };
    expect(problem).toMatchObject({ status: 400, detail: 'Expected at least one image, got none' });
    expect(problem.refusals.map(({ name }) => name)).toEqual(['a.jpg']);
  });

  test('of a zip refuses names outside its folder and ignores hidden files', async () => {
    const { bytes } = await good();
    const zip = await makeZip({
      'cats/one.png': bytes,
      '../evil.png': bytes,
      '/absolute.png': bytes,
      'back\\slash.png': bytes,
      '__MACOSX/one.png': bytes,
      '.hidden': bytes,
      'notes.txt': Buffer.from('notes'),
    });
    for (const send of [
      () =>
        fetch(`${service.url}/v1/datasets`, {
          method: 'POST',
          headers: { 'content-type': 'application/zip' },
          body: new Uint8Array(zip),
        }),
      () => upload(service.url, [{ name: 'photos.zip', bytes: zip }]),
    ]) {
      const response = await send();
      const body = (await response.json()) as {
        id: string;
        images: number;
        refusals: { name: string }[];
      };
      expect(response.status).toBe(201);
      expect(body.images).toBe(1);
      expect(body.refusals.map(({ name }) => name).sort()).toEqual(
        ['../evil.png', '/absolute.png', 'back\\slash.png', 'notes.txt'].sort(),
      );
      const manifest = (await service.store.get(keys.manifest('default', body.id))).toString();
      expect(JSON.parse(manifest)).toMatchObject({ name: 'cats/one.png' });
    }
  });

  test('of a wrong content type, a malformed form or a broken zip is refused with its reason', async () => {
    const post = (type: string, body: string) =>
      fetch(`${service.url}/v1/datasets`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
    expect(await problemOf(await post('text/plain', 'x'))).toMatchObject({ status: 415 });
    expect(await problemOf(await post('multipart/form-data', 'x'))).toMatchObject({ status: 400 });
    expect(
      await problemOf(await post('multipart/form-data; boundary=b', '--b\r\nbroken')),
    ).toMatchObject({ status: 400 });
    for (const name of ['images', '']) {
      const head = `Content-Disposition: form-data; name="${name}"`;
      const text = `--b\r\n${head}\r\n\r\ncat.jpg\r\n--b--\r\n`;
      expect(await problemOf(await post('multipart/form-data; boundary=b', text))).toMatchObject({
        status: 400,
        detail: `Expected files alone, got text in field '${name}'`,
      });
    }
    expect(await problemOf(await post('application/zip', 'PK\u0003\u0004 no'))).toMatchObject({
      status: 400,
      detail: expect.stringContaining('Expected a zip file') as string,
    });
  });

  test('with a body over the limit is answered 413', async () => {
    const big = Buffer.alloc(1_000_001);
    const declared = await fetch(`${service.url}/v1/datasets`, {
      method: 'POST',
      headers: { 'content-type': 'application/zip' },
      body: new Uint8Array(big),
    });
    expect(await problemOf(declared)).toMatchObject({ status: 413, code: 'too_large' });
  });

  test('of a client that disconnects leaves no dataset', async () => {
    const before = await countDatasets();
    const { port } = new URL(service.url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          'POST /v1/datasets HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000\r\n\r\n--b\r\n',
        );
        setTimeout(() => {
          socket.destroy();
          resolve();
        }, 100);
      });
    });
    expect((await get('/healthz')).status).toBe(200);
    expect(await countDatasets()).toBe(before);
  });
});

async function countDatasets(): Promise<number> {
  let count = 0;
  for await (const { key } of service.store.list('tenants/default/datasets/')) {
    if (key.endsWith('dataset.json')) count += 1;
  }
  return count;
}

describe('a job request that is invalid', () => {
  test.each([
    ['stride 0', { stride: 0 }, 'settings.stride'],
    ['negative patch', { patch: -3 }, 'settings.patch'],
    ['patch larger than the input', { patch: 33 }, 'at most the model'],
    ['gaps', { patch: 8, stride: 9 }, 'allowGaps'],
    [
      'unknown class by index',
      { patch: 8, stride: 8, target: { kind: 'class', index: 5 } },
      'below 5',
    ],
    [
      'unknown class by name',
      { patch: 8, stride: 8, target: { kind: 'class', name: 'dog' } },
      "got 'dog'",
    ],
    ['more classes than there are', { target: { kind: 'top', k: 6 } }, '5 classes, got 6'],
    ['one patch of several too large', { patch: [16, 33] }, 'at most the model'],
    ['blur without a sigma', { fill: { kind: 'blur' } }, 'settings.fill.sigma'],
    ['what a preset fixes', { preset: 'article', score: 'logit' }, "preset 'article' means"],
    ['unknown setting', { patches: 8 }, 'patches'],
    ['unknown edge', { edge: 'wrap' }, 'settings.edge'],
  ])('is refused with the reason: %s', async (_name, settings, detail) => {
    const problem = await problemOf(await job(settings));
    expect(problem).toMatchObject({ status: 400, code: 'invalid_input' });
    expect(problem.detail).toContain(detail);
  });

  test('is refused by kind: unknown model, dataset or field, malformed JSON, content type, size', async () => {
    expect(await problemOf(await job({}, { model: 'vgg' }))).toMatchObject({
      status: 404,
      detail: "Unknown model 'vgg'; known: tiny",
    });
    expect(await problemOf(await job({}, { dataset: `ds_${'0'.repeat(20)}` }))).toMatchObject({
      status: 404,
    });
    expect(await problemOf(await job({}, { surprise: 1 }))).toMatchObject({ status: 400 });
    expect(await problemOf(await postJob(service.url, '{"dataset"'))).toMatchObject({
      status: 400,
    });
    const text = await fetch(`${service.url}/v1/jobs`, { method: 'POST', body: '{}' });
    expect(await problemOf(text)).toMatchObject({ status: 415 });
    expect(await problemOf(await postJob(service.url, { pad: 'x'.repeat(200_000) }))).toMatchObject(
      { status: 413 },
    );
  });
});

describe('the API', () => {
  test('runs a job from 202 to its files', async () => {
    const response = await job({ patch: 8, stride: 8 });
    expect(response.status).toBe(202);
    expect(response.headers.get('retry-after')).toBe('1');
    const { id } = (await response.json()) as { id: string };
    expect(response.headers.get('location')).toBe(`/v1/jobs/${id}`);
    expect(await waitForJob(service.url, id)).toMatchObject({
      state: 'completed',
      etaSeconds: null,
    });

    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = (await (
        await get(`/v1/jobs/${id}/images?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      ).json()) as { data: { id: string; state: string }[]; next_cursor: string | null };
      seen.push(...page.data.map(({ id, state }) => `${id} ${state}`));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual([0, 1, 2].map((index) => `img_0000000${index} completed`));

    const png = await get(`/v1/jobs/${id}/images/img_00000001/heatmap.png`);
    expect(png.headers.get('content-type')).toBe('image/png');
    expect((await sharp(Buffer.from(await png.arrayBuffer())).metadata()).width).toBeGreaterThan(
      448,
    );
    const result = (await (await get(`/v1/jobs/${id}/images/img_00000001/result.json`)).json()) as {
      files: string[];
    };
    expect(result).toMatchObject({
      version: 5,
      image: { name: 'photo-1.png' },
      model: { name: 'tiny' },
    });
    for (const file of result.files) {
      const { status, headers } = await get(`/v1/jobs/${id}/images/img_00000001/${file}`);
      const mediaTypes = { png: 'image/png', webp: 'image/webp', npy: 'application/octet-stream' };
      const ending = file.split('.').at(-1) as keyof typeof mediaTypes;
      expect([status, headers.get('content-type')]).toEqual([200, mediaTypes[ending]]);
    }
    for (const file of ['heatmap-2.png', 'job.json', '..%2Fjob.json']) {
      const missing = await get(`/v1/jobs/${id}/images/img_00000001/${file}`);
      expect(await problemOf(missing)).toMatchObject({ status: 404, code: 'not_found' });
    }
  });

  test('has no files and no archive of a job that has not run', async () => {
    const quiet = await startService();
    try {
      const own = await uploadPhotos(quiet.url, await makePhotos(1));
      const id = await submitJob(quiet.url, {
        dataset: own,
        model: 'tiny',
        settings: { patch: 8, stride: 8 },
      });
      const file = await fetch(`${quiet.url}/v1/jobs/${id}/images/img_00000000/scores.npy`);
      expect(await problemOf(file)).toMatchObject({ status: 404 });
      const archive = await fetch(`${quiet.url}/v1/jobs/${id}/archive`);
      expect(archive.headers.get('retry-after')).toBe('1');
      expect(await problemOf(archive)).toMatchObject({ status: 409 });
    } finally {
      await quiet.close();
    }
  });

  test.each([
    '/nowhere',
    '/v1/jobs/job_x',
    `/v1/jobs/job_${'0'.repeat(20)}`,
    '/v1/datasets/..%2f..',
    `/v1/jobs/job_${'0'.repeat(20)}/archive`,
  ])('answers %s with 404', async (path) => {
    expect(await problemOf(await get(path))).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('answers a known path under another method with 405', async () => {
    const response = await fetch(`${service.url}/v1/models`, { method: 'DELETE' });
    expect(response.headers.get('allow')).toContain('GET');
    expect(await problemOf(response)).toMatchObject({
      status: 405,
      detail: 'Expected GET or POST on /v1/models, got DELETE',
    });
  });

  test('lists models and answers probes', async () => {
    expect(await (await get('/v1/models')).json()).toMatchObject({
      data: [{ name: 'tiny', format: 'onnx', input: { height: 32, width: 32 } }],
    });
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
  });
});

describe('the API while a service is down', () => {
  const start = (env: Record<string, string>) =>
    startApi(
      readConfig(apiConfig, { ...service.env, UMBRA_LOG_LEVEL: 'silent', UMBRA_PORT: '0', ...env }),
    );

  test('answers 503 with Retry-After within 2 s without Redis, and leaves no job', async () => {
    const api = await start({ REDIS_URL: 'redis://127.0.0.1:1' });
    try {
      const before = await countActive();
      for (const send of [
        () => postJob(api.url, { dataset, model: 'tiny', settings: { patch: 8, stride: 8 } }),
        () => fetch(`${api.url}/readyz`),
      ]) {
        const startedAt = performance.now();
        const response = await send();
        expect(performance.now() - startedAt).toBeLessThan(2_000);
        expect(response.headers.get('retry-after')).not.toBeNull();
        expect(await problemOf(response)).toMatchObject({ status: 503, code: 'unavailable' });
      }
      expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
      expect(await countActive()).toBe(before);
    } finally {
      await api.close();
    }
  });

  test('answers 503 while the store cannot be written', async () => {
    const api = await start({ UMBRA_STORE_DIR: '/dev/null/store', UMBRA_MODELS_DIR: '' });
    try {
      const ready = await fetch(`${api.url}/readyz`);
      expect(await problemOf(ready)).toMatchObject({ status: 503 });
      const response = await upload(api.url, await makePhotos(1));
      expect(response.headers.get('retry-after')).not.toBeNull();
      expect(await problemOf(response)).toMatchObject({ status: 503, code: 'unavailable' });
    } finally {
      await api.close();
    }
  });
});

async function countActive(): Promise<number> {
  let count = 0;
  for await (const _ of service.store.list(keys.activeJobs('default'))) count += 1;
  return count;
}
