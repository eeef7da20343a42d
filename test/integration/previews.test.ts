import { get as httpGet } from 'node:http';
import { imageGeometry } from '@umbra/shared/contracts/geometry';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/job-fixture.js';
import { readMetrics } from '../support/read-metrics.js';
import {
  postJob,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

let service: TestService;
let dataset: string;
const image = 'img_00000001';

beforeAll(async () => {
  service = await startService({ UMBRA_METRICS_PORT: '0', UMBRA_MAX_CONCURRENT_DRAWINGS: '1' });
  dataset = await uploadPhotos(
    service.url,
    await Promise.all([makePhoto(60, 40), makePhoto(90, 70)]),
  );
});
afterAll(() => service.close());

/** A photo of noise, which no two patches of have the same pixels. */
async function makePhoto(width: number, height: number) {
  const pixels = Buffer.from(
    Array.from({ length: width * height * 3 }, (_, at) => (at * 31 + at * at * width) % 253),
  );
  const photo = sharp(pixels, { raw: { width, height, channels: 3 } });
  return { name: `photo-${width}.png`, bytes: await photo.png().toBuffer() };
}

type Wish = { readonly model?: string; readonly settings?: unknown; readonly of?: string };

const pathOf = (file: string, { model = 'tiny', settings = {}, of = dataset }: Wish, more = '') => {
  const text = typeof settings === 'string' ? settings : JSON.stringify(settings);
  const query = new URLSearchParams({ model, settings: text });
  return `${service.url}/v1/datasets/${of}/images/${image}/${file}?${query}${more}`;
};
const preview = (file: string, wish: Wish = {}, more = '', headers = {}) =>
  fetch(pathOf(file, wish, more), { headers });

describe('a preview', () => {
  test('is what a job of the same settings then has, number for number and byte for byte', async () => {
    const settings = { patch: [8, { height: 6, width: 12 }], stride: 5, fill: { kind: 'mean' } };
    const geometry = imageGeometry.parse(await (await preview('geometry', { settings })).json());
    expect(geometry.photo).toEqual({ width: 90, height: 70 });
    // 32 px: (32 - 8) / 5 + 1 = 5.8 and (32 - 6) / 5 + 1 = 6.2, of which the last is cut.
    expect(geometry.grids).toEqual([
      { patch: { height: 8, width: 8 }, rows: 6, columns: 6 },
      { patch: { height: 6, width: 12 }, rows: 7, columns: 5 },
    ]);
    const views = ['', '&row=2&column=3', '&row=6&column=4&grid=1'];
    const drawn = await Promise.all(
      views.map(async (view) => bytesOf(await preview('input.png', { settings }, view))),
    );
    expect(new Set(drawn.map((png) => png.toString('base64'))).size).toBe(views.length);

    await service.startWorker();
    const job = await submitJob(service.url, { dataset, model: 'tiny', settings });
    await waitForJob(service.url, job);
    const own = `${service.url}/v1/jobs/${job}/images/${image}`;
    expect(await (await fetch(`${own}/geometry`)).json()).toEqual(geometry);
    for (const [index, view] of views.entries()) {
      const png = await bytesOf(await fetch(`${own}/input.png${view.replace('&', '?')}`));
      expect([view, png.equals(drawn[index] ?? Buffer.alloc(0))]).toEqual([view, true]);
    }
  });

  test('has the defaults of a job where no settings are given', async () => {
    const path = `${service.url}/v1/datasets/${dataset}/images/${image}/geometry?model=tiny`;
    const geometry = imageGeometry.parse(await (await fetch(path)).json());
    expect(geometry.stride).toEqual({ y: 16, x: 16 });
    expect(geometry.grids).toEqual([{ patch: { height: 32, width: 32 }, rows: 1, columns: 1 }]);
  });

  test('is not drawn again for who has it, and is for other settings', async () => {
    const settings = { patch: 8, stride: 8 };
    const first = await preview('input.png', { settings }, '&row=1&column=1');
    expect([first.status, first.headers.get('content-type')]).toEqual([200, 'image/png']);
    const known = { 'if-none-match': first.headers.get('etag') ?? '' };
    const again = await preview('input.png', { settings }, '&row=1&column=1', known);
    expect([again.status, await again.text()]).toEqual([304, '']);
    const other = { patch: 8, stride: 8, fill: { kind: 'noise', seed: 1 } };
    const next = await preview('input.png', { settings: other }, '&row=1&column=1', known);
    expect(next.status).toBe(200);
  });
});

describe('a preview is refused', () => {
  test.each<[string, Wish]>([
    ['an unknown model', { model: 'none' }],
    ['a model of no name', { model: 'No Name' }],
    ['a patch larger than the input', { settings: { patch: 40 } }],
    ['a stride beyond the patch', { settings: { patch: 8, stride: 9 } }],
    ['several bad settings', { settings: { patch: 0, fill: { kind: 'blur', sigma: 0 } } }],
    ['an unknown setting', { settings: { patches: 8 } }],
    ['a preset with another fill', { settings: { preset: 'article', fill: { kind: 'mean' } } }],
    ['more classes than there are', { settings: { target: { kind: 'top', k: 99 } } }],
    ['a class that the model has not', { settings: { target: { kind: 'class', index: 99 } } }],
    ['settings that are no object', { settings: [] }],
    ['an unknown dataset', { of: 'ds_00000000000000000000' }],
  ])('for %s, in the words of a job', async (_, wish) => {
    const { model = 'tiny', settings = {}, of = dataset } = wish;
    const job = await postJob(service.url, { dataset: of, model, settings });
    const expected = await problemOf(job);
    expect(expected.status).toBeGreaterThanOrEqual(400);
    for (const file of ['geometry', 'input.png']) {
      const response = await preview(file, wish);
      expect([file, await problemOf(response)]).toEqual([file, expected]);
    }
  });

  test('with words, for what it alone is asked for', async () => {
    for (const [file, more, status, words] of [
      ['input.png', '&row=1', 400, 'Expected row and column, or neither of them'],
      ['input.png', '&row=9&column=0', 400, 'Expected a position from 0,0 to 0,0'],
      ['input.png', '&row=0&column=0&grid=1', 400, 'Expected grid to be from 0 to 0'],
      ['geometry', '&row=1&column=1', 400, 'row'],
    ] as const) {
      const problem = await problemOf(await preview(file, {}, more));
      expect([more, problem]).toMatchObject([
        more,
        { status, detail: expect.stringContaining(words) },
      ]);
    }
    const broken = await problemOf(await preview('geometry', { settings: '{"patch":' }));
    expect(broken).toMatchObject({ status: 400, detail: 'settings: Expected valid JSON' });
    const path = pathOf('geometry', {}).replace(image, 'img_00000002');
    const missing = await problemOf(await fetch(path));
    expect(missing).toMatchObject({
      status: 404,
      detail: `Unknown image 'img_00000002' of dataset '${dataset}'`,
    });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    const open = await fetch(`${service.url}/v1/datasets`, init);
    const { id } = (await open.json()) as { id: string };
    expect((await preview('geometry', { of: id })).status).toBe(409);
  });
});

test('a client that leaves takes its drawing along', async () => {
  const drawings = async () => {
    const metrics = await readMetrics(service.metricsUrl);
    return ['held', 'waiting'].map((state) =>
      metrics.get(`umbra_turns{thing="drawings",state="${state}"}`),
    );
  };
  // Slow to decode, and one place: the others wait for it.
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  const create = { width: 2600, height: 2000, channels: 3, noise } as const;
  const bytes = await sharp({ create: { ...create, background: '#808080' } })
    .png({ compressionLevel: 1 })
    .toBuffer();
  const of = await uploadPhotos(service.url, [
    { name: 'first.png', bytes: (await makePhoto(9, 9)).bytes },
    { name: 'large.png', bytes },
  ]);
  const requests = Array.from({ length: 6 }, (_, seed) => {
    const settings = { patch: 8, stride: 8, fill: { kind: 'noise', seed } };
    const request = httpGet(pathOf('input.png', { settings, of }, '&row=0&column=0'));
    request.on('error', () => undefined);
    return request;
  });
  await until('a drawing, and some that wait', async () => {
    const [held, waiting = 0] = await drawings();
    return held === 1 && waiting > 2 ? true : null;
  });
  for (const request of requests) request.destroy();
  await until('the places', async () =>
    (await drawings()).every((count) => count === 0) ? true : null,
  );
  expect((await preview('input.png', { settings: { patch: 8, stride: 8 } })).status).toBe(200);
});

const bytesOf = async (response: Response): Promise<Buffer> =>
  Buffer.from(await response.arrayBuffer());

async function problemOf(response: Response) {
  const { code, detail, errors } = (await response.json()) as Record<string, unknown>;
  return { status: response.status, code, detail, errors };
}
