import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { getJson, putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { type JobEstimate, type JobStatus, storedJob } from '@umbra/shared/contracts/job';
import { type ImageResult, imageResult, type ResultFile } from '@umbra/shared/contracts/result';
import type { OcclusionSettingsInput } from '@umbra/shared/contracts/settings';
import { newJobId } from '@umbra/shared/ids';
import { parseTemporaryName } from '@umbra/shared/temporary-name';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/job-fixture.js';
import { readMetrics } from '../support/read-metrics.js';
import { readZip } from '../support/read-zip.js';
import {
  makePhotos,
  postJob,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

let service: TestService;
let dataset: string;
const images = 3;
const settings = {
  ...{ patch: [8, { height: 12, width: 6 }], stride: 4, target: { kind: 'top', k: 2 } },
} satisfies OcclusionSettingsInput;

const get = (path: string, init?: RequestInit) => fetch(`${service.url}${path}`, init);
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());
const imageAt = (index: number) => `img_${String(index).padStart(8, '0')}`;
const pathOf = (job: string, index: number, file: string) =>
  `/v1/jobs/${job}/images/${imageAt(index)}/${file}`;
const keyOf = (job: string, index: number, file: ResultFile) =>
  keys.result(defaultTenant, job, imageAt(index), file);
const detailOf = async (response: Response) =>
  ((await response.json()) as { detail: string }).detail;

async function run(changes: object = {}, own = dataset): Promise<string> {
  const job = await submitJob(service.url, { dataset: own, model: 'tiny', settings, ...changes });
  expect(await waitForJob(service.url, job)).toMatchObject({ state: 'completed' });
  return job;
}

async function resultOf(job: string, index: number): Promise<ImageResult> {
  return imageResult.parse(await (await get(pathOf(job, index, 'result.json'))).json());
}

/** A photo that its camera turned by a quarter. */
async function turnedPhoto(): Promise<Buffer> {
  const pixels = Buffer.from(Array.from({ length: 60 * 44 * 3 }, (_, at) => (at * 13) % 249));
  return sharp(pixels, { raw: { width: 60, height: 44, channels: 3 } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
}

beforeAll(async () => {
  service = await startService({ UMBRA_METRICS_PORT: '0', UMBRA_RESUME_MS: '200' });
  await service.startWorker();
  const photos = await makePhotos(images - 1);
  const turned = { name: 'turned.jpg', bytes: await turnedPhoto() };
  dataset = await uploadPhotos(service.url, [...photos, turned]);
});
afterAll(() => service.close());

describe('a file that is not stored', () => {
  test.each<[string, OcclusionSettingsInput]>([
    ['one target', { patch: 8, stride: 4 }],
    ['several targets and patch sizes', settings],
    ['a refined run', { patch: 8, stride: 2, refine: { every: 3, share: 0.4 } }],
  ])('is drawn with the same bytes as a stored one: %s', async (_, settings) => {
    const stored = await run({
      settings,
      outputs: ['attribution', 'overlay', 'heatmap', 'thumbnail'],
    });
    const least = await run({ settings, outputs: [] });
    for (let index = 0; index < images; index++) {
      const [all, few] = await Promise.all([resultOf(stored, index), resultOf(least, index)]);
      expect(all.onRequest).toEqual([]);
      expect(few.files.every((file) => /^(scores|predicted-classes)/.test(file))).toBe(true);
      expect([...few.files, ...few.onRequest].sort()).toEqual(all.files.toSorted());
      for (const file of few.onRequest) {
        expect(await service.store.head(keyOf(least, index, file as ResultFile)), file).toBeNull();
        const [one, other] = await Promise.all(
          [stored, least].map((job) => get(pathOf(job, index, file))),
        );
        expect([other?.status, other?.headers.get('content-type')], file).toEqual([
          ...[200, one?.headers.get('content-type')],
        ]);
        if (one === undefined || other === undefined) throw new Error(file);
        expect((await bytesOf(other)).equals(await bytesOf(one)), file).toBe(true);
      }
    }
  });

  test('is revalidated, described and sent in part', async () => {
    const job = await run({ outputs: [] });
    const path = pathOf(job, 0, 'overlay-2.png');
    const whole = await get(path);
    const bytes = await bytesOf(whole);
    const etag = whole.headers.get('etag') ?? '';
    expect(etag).toMatch(/^".+"$/);
    expect(whole.headers.get('content-length')).toBe(String(bytes.length));
    const again = await get(path, { headers: { 'If-None-Match': etag } });
    expect([again.status, (await bytesOf(again)).length]).toEqual([304, 0]);
    const head = await get(path, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type'), head.headers.get('etag')]).toEqual([
      ...[200, 'image/png', etag],
    ]);
    const part = await get(path, { headers: { Range: 'bytes=5-24', 'If-Range': etag } });
    expect([part.status, part.headers.get('content-range')]).toEqual([
      ...[206, `bytes 5-24/${bytes.length}`],
    ]);
    expect((await bytesOf(part)).equals(bytes.subarray(5, 25))).toBe(true);
    const beyond = await get(path, { headers: { Range: 'bytes=99999999-' } });
    expect(beyond.status).toBe(416);
    // A store that clients reach has nothing to redirect them to.
    const sent = await get(`${path}?redirect=true`, { redirect: 'manual' });
    expect((await bytesOf(sent)).equals(bytes)).toBe(true);
  });

  test('is none where the result has no such file, and the answer says which it has', async () => {
    const job = await run({ outputs: [] });
    const missing = await get(pathOf(job, 0, 'overlay-3.png'));
    expect(missing.status).toBe(404);
    expect(await detailOf(missing)).toContain(
      "no file 'overlay-3.png', but result.json, heatmap.png",
    );
    const unknown = await get(pathOf(job, 77, 'overlay.png'));
    expect([unknown.status, await detailOf(unknown)]).toEqual([
      ...[404, expect.stringContaining('has no results yet')],
    ]);
  });

  test('is drawn again where the store has lost it; what it is drawn from is named where that is gone', async () => {
    const photos = await makePhotos(1);
    const own = await uploadPhotos(service.url, photos);
    const job = await run({}, own);
    const stored = await service.store.get(keyOf(job, 0, 'heatmap.png'));
    await service.store.delete(keyOf(job, 0, 'heatmap.png'));
    expect((await bytesOf(await get(pathOf(job, 0, 'heatmap.png')))).equals(stored)).toBe(true);
    expect((await get(`/v1/datasets/${own}`, { method: 'DELETE' })).status).toBe(204);
    const overlay = await get(pathOf(job, 0, 'overlay.png'));
    expect([overlay.status, await detailOf(overlay)]).toEqual([
      ...[404, expect.stringContaining('its photo is gone')],
    ]);
    // A heatmap shows scores alone.
    expect((await bytesOf(await get(pathOf(job, 0, 'heatmap.png')))).equals(stored)).toBe(true);
    await service.store.delete(keyOf(job, 0, 'scores-8x8.npy'));
    const heatmap = await get(pathOf(job, 0, 'heatmap.png'));
    expect(await detailOf(heatmap)).toContain('its scores-8x8.npy is gone');
    const archive = await get(`/v1/jobs/${job}/archive?include=overlay`);
    expect([archive.status, await detailOf(archive)]).toEqual([
      ...[404, expect.stringContaining('is gone: its images cannot be listed')],
    ]);
  });
});

describe('a job', () => {
  test('stores what a look at each image needs, and its archive has that', async () => {
    const job = await run({ settings: { patch: 8, stride: 4 } });
    const files = ['heatmap.png', 'thumbnail.webp', 'scores.npy', 'predicted-classes.npy'];
    const result = await resultOf(job, 0);
    expect([result.version, result.files, result.onRequest]).toEqual([
      ...[5, files, ['overlay.png', 'attribution.npy']],
    ]);
    const stored: string[] = [];
    for await (const { key } of service.store.list(keys.results(defaultTenant, job))) {
      if (key.includes(`/${imageAt(0)}/`)) stored.push(key.split('/').at(-1) ?? '');
    }
    expect(stored.sort()).toEqual([...files, 'result.json'].sort());
    const zip = await readZip(await bytesOf(await get(`/v1/jobs/${job}/archive`)));
    const names = [...zip.keys()].filter((name) => name.startsWith('photo-0__'));
    expect(names.map((name) => name.split('/')[1]).sort()).toEqual(
      [...files, 'result.json'].sort(),
    );
    const status = (await (await get(`/v1/jobs/${job}`)).json()) as JobStatus;
    expect(status).toMatchObject({
      version: 4,
      outputs: ['heatmap', 'thumbnail', 'scores', 'predicted-classes'],
    });
  });

  test('of before there was a choice keeps its files, under their names of then', async () => {
    const job = await run({ settings: { patch: 8, stride: 4 } });
    const { store } = service;
    const key = keyOf(job, 0, 'result.json');
    const { onRequest: _, ...result } = JSON.parse(String(await store.get(key)));
    const files = ['scores.npy', 'winners.npy'];
    await putJson(store, key, { ...result, version: 3, files });
    const classes = await store.get(keyOf(job, 0, 'predicted-classes.npy'));
    await store.put(keyOf(job, 0, 'winners.npy'), classes);
    await store.delete(keyOf(job, 0, 'predicted-classes.npy'));
    const heatmap = await bytesOf(await get(pathOf(job, 0, 'heatmap.png')));
    await store.delete(keyOf(job, 0, 'heatmap.png'));
    expect((await bytesOf(await get(pathOf(job, 0, 'heatmap.png')))).equals(heatmap)).toBe(true);
    expect((await bytesOf(await get(pathOf(job, 0, 'winners.npy')))).equals(classes)).toBe(true);
    const zip = await readZip(
      await bytesOf(await get(`/v1/jobs/${job}/archive?include=predicted-classes`)),
    );
    expect(zip.get(`photo-0__${imageAt(0)}/winners.npy`)).toEqual(classes);
  });

  test('is refused outputs that there are not', async () => {
    const refused = await postJob(service.url, { dataset, model: 'tiny', outputs: ['everything'] });
    expect([refused.status, await detailOf(refused)]).toEqual([
      ...[400, expect.stringContaining('outputs.0')],
    ]);
  });

  test('is estimated by what it stores', async () => {
    const bytes = async (outputs: string[]) => {
      const answer = await fetch(`${service.url}/v1/jobs?dryRun=true`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ dataset, model: 'tiny', settings, outputs }),
      });
      return ((await answer.json()) as JobEstimate).bytes ?? Number.NaN;
    };
    const [none, heatmap, both] = [
      await bytes([]),
      await bytes(['heatmap']),
      await bytes(['heatmap', 'overlay']),
    ];
    expect(none).toBeLessThan(heatmap);
    expect(heatmap).toBeLessThan(both);
  });
});

describe('an archive of what is asked for', () => {
  /** Entries of images, without those that say how the job was run. */
  const contentOf = (zip: Map<string, Buffer>) =>
    new Map([...zip].filter(([name]) => name.includes('/') && !name.endsWith('/result.json')));
  const include = (job: string, kinds: string) => get(`/v1/jobs/${job}/archive?include=${kinds}`);

  test('has the same files as one that was stored with all of them', async () => {
    const stored = await run({ outputs: ['attribution', 'overlay', 'heatmap', 'thumbnail'] });
    const least = await run({ outputs: [] });
    const wanted = contentOf(await readZip(await bytesOf(await get(`/v1/jobs/${stored}/archive`))));
    const response = await include(least, 'all');
    expect(response.headers.get('content-disposition')).toContain(`${least}.zip`);
    const zip = await readZip(await bytesOf(response));
    expect([...contentOf(zip).keys()]).toEqual([...wanted.keys()]);
    for (const [name, bytes] of wanted) expect(zip.get(name)?.equals(bytes), name).toBe(true);
    const lines = String(zip.get('manifest.jsonl')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).state)).toEqual(Array(images).fill('completed'));
    expect(String(zip.get('SHA256SUMS')).trim().split('\n')).toHaveLength(wanted.size + images);
    expect(String(zip.get('errors.jsonl'))).toBe('');
  });

  test('has these kinds and the descriptions alone', async () => {
    const job = await run({ settings: { patch: 8, stride: 4 } });
    const zip = await readZip(await bytesOf(await include(job, 'overlay,scores')));
    const names = [...zip.keys()].filter((name) => name.startsWith('turned__'));
    expect(names.map((name) => name.split('/')[1])).toEqual([
      'overlay.png',
      'scores.npy',
      'result.json',
    ]);
  });

  test('is refused in words before its first byte', async () => {
    const job = await run({});
    for (const kinds of ['everything', 'overlay,', '']) {
      const refused = await include(job, kinds);
      expect([refused.status, await detailOf(refused)]).toEqual([
        ...[400, expect.stringContaining('include: Expected all, or some of heatmap, overlay')],
      ]);
    }
    const record = await getJson(service.store, keys.job(defaultTenant, job), storedJob);
    const running = { ...record, id: newJobId(), state: 'in_progress', completedAt: null };
    await putJson(service.store, keys.job(defaultTenant, running.id), running);
    const refused = await include(running.id, 'overlay');
    expect([refused.status, await detailOf(refused)]).toEqual([
      ...[409, expect.stringContaining('is in_progress; its files are archived once it has ended')],
    ]);
    const head = await get(`/v1/jobs/${job}/archive?include=all`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'application/zip']);
  });

  test('names the images that cannot be had, and has the others', async () => {
    const job = await run({ outputs: [] });
    await service.store.delete(keyOf(job, 1, 'scores-8x8.npy'));
    await service.store.delete(keyOf(job, 2, 'result.json'));
    const zip = await readZip(await bytesOf(await include(job, 'heatmap')));
    const lines = String(zip.get('manifest.jsonl')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).state)).toEqual(['completed', 'failed', 'failed']);
    const errors = String(zip.get('errors.jsonl'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(errors).toMatchObject([
      { id: imageAt(1), error: { message: expect.stringContaining('scores-8x8.npy is gone') } },
      { id: imageAt(2), error: { message: expect.stringContaining('result.json') } },
    ]);
  });

  test('ends when its client leaves', async () => {
    const many = 24;
    const photos = await Promise.all(
      Array.from({ length: many }, async (_, seed) => {
        const pixels = Buffer.from(
          Array.from({ length: 400 * 300 * 3 }, (_, at) => (at * at + seed) % 251),
        );
        const photo = sharp(pixels, { raw: { width: 400, height: 300, channels: 3 } });
        return { name: `large-${seed}.png`, bytes: await photo.png().toBuffer() };
      }),
    );
    const job = await run({ outputs: [] }, await uploadPhotos(service.url, photos));
    const read = async () => {
      const metrics = await readMetrics(service.metricsUrl);
      const held = (thing: string) => metrics.get(`umbra_turns{thing="${thing}",state="held"}`);
      const reads =
        metrics.get('umbra_store_operation_seconds_count{operation="get",outcome="ok"}') ?? 0;
      return { held: [held('downloads'), held('drawings')], reads };
    };
    const folders = async () =>
      (await readdir(tmpdir())).filter(
        (name) =>
          name.startsWith('umbra-archive-') && parseTemporaryName(name)?.pid === process.pid,
      );
    const before = await read();
    const request = httpGet(`${service.url}/v1/jobs/${job}/archive?include=all`);
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    await once(answer, 'readable');
    expect((await read()).held[0]).toBe(1);
    expect(await folders()).toHaveLength(1);
    answer.on('error', () => undefined);
    request.destroy();
    await until('its places', async () =>
      (await read()).held.every((one) => one === 0) ? true : null,
    );
    await until('its folder', async () => ((await folders()).length === 0 ? true : null));
    // Each image has at least its description, two arrays of two sizes, and its photo.
    expect((await read()).reads - before.reads).toBeLessThan(many * 6);
  });
});
