import { type LayerList, layerList } from '@umbra/shared/contracts/layer';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

let service: TestService;
let image: string;

beforeAll(async () => {
  service = await startService();
  await service.startWorker();
  const dataset = await uploadPhotos(service.url, await makePhotos(1));
  const settings = { patch: 8, stride: 8 };
  const job = await submitJob(service.url, { dataset, model: 'tiny', settings });
  await waitForJob(service.url, job);
  const { data } = (await (await get(`/v1/jobs/${job}/images`)).json()) as {
    data: { id: string }[];
  };
  image = `/v1/jobs/${job}/images/${data[0]?.id}`;
});
afterAll(() => service.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${service.url}${path}`, { headers });
const layerPath = (layer: string) => `/v1/models/tiny/layers/${encodeURIComponent(layer)}`;

test('layers are listed with their shapes and receptive fields', async () => {
  const response = await get('/v1/models/tiny/layers');
  expect(response.status).toBe(200);
  const list: LayerList = layerList.parse(await response.json());
  expect(list.layers[2]).toMatchObject({
    kind: 'convolution',
    outputShape: [1, 8, 8, 8],
    stride: { y: 2, x: 2 },
    padding: { top: 1, left: 1, bottom: 1, right: 1 },
    parameters: 8 * 8 * 9,
    filters: [8, 8, 3, 3],
    receptiveField: { kind: 'window', y: { size: 7, jump: 4, start: 0 } },
    convolution: 1,
    feature: 2,
  });
  const last = { kind: 'dense', filters: null, receptiveField: { kind: 'whole' } };
  expect(list.layers.at(-1)).toMatchObject(last);
  const larger = await get('/v1/models/tiny/layers?size=64x48');
  expect(layerList.parse(await larger.json()).layers[0]?.outputShape).toEqual([1, 8, 32, 24]);
  const etag = response.headers.get('etag') ?? '';
  expect((await get('/v1/models/tiny/layers', { 'if-none-match': etag })).status).toBe(304);
  expect(larger.headers.get('etag')).not.toBe(etag);
});

test('filters are drawn, downloaded, and not drawn again for a client that has them', async () => {
  const [{ name = '' } = {}] = layerList.parse(
    await (await get('/v1/models/tiny/layers')).json(),
  ).layers;
  const path = `${layerPath(name)}/filters.png?mode=rgb&cell=5`;
  const response = await get(path);
  expect(response.headers.get('content-type')).toBe('image/png');
  const picture = Buffer.from(await response.arrayBuffer());
  expect((await sharp(picture).metadata()).format).toBe('png');
  const etag = response.headers.get('etag') ?? '';
  const again = await get(path, { 'if-none-match': etag });
  expect(again.status).toBe(304);
  expect((await again.arrayBuffer()).byteLength).toBe(0);
  const other = await get(`${layerPath(name)}/filters.png?mode=channels`, {
    'if-none-match': etag,
  });
  expect(other.status).toBe(200);
  const array = Buffer.from(await (await get(`${layerPath(name)}/filters.npy`)).arrayBuffer());
  expect(array.toString('latin1', 1, 6)).toBe('NUMPY');
  expect(array.length).toBe(128 + 8 * 27 * 4);
});

test('the input and the receptive fields of a finished image are drawn', async () => {
  const baseline = Buffer.from(await (await get(`${image}/input.png`)).arrayBuffer());
  const occluded = await get(`${image}/input.png?row=1&column=2`);
  const covered = Buffer.from(await occluded.arrayBuffer());
  const { width = 0, height = 0 } = await sharp(baseline).metadata();
  // Cells of 14 px; the patch covers rows 8 to 16 and columns 16 to 24 with the mean colour.
  const left = 16 + 16 * 14;
  const top = height - 16 - 32 * 14 + 8 * 14;
  const patch = { left, top, width: 8 * 14, height: 8 * 14 };
  expect(width).toBe(32 + 32 * 14);
  const colours = async (png: Buffer) =>
    new Set(await sharp(png).extract(patch).removeAlpha().raw().toBuffer());
  expect([...(await colours(covered))]).toEqual([128]);
  expect((await colours(baseline)).size).toBeGreaterThan(10);
  const etag = occluded.headers.get('etag') ?? '';
  const again = await get(`${image}/input.png?row=1&column=2`, { 'if-none-match': etag });
  expect(again.status).toBe(304);
  const field = await get(`${image}/receptive-field.png?layer=conv:1&unit=2,3`);
  expect(field.status).toBe(200);
  expect((await sharp(Buffer.from(await field.arrayBuffer())).metadata()).format).toBe('png');
});

test('the activations of a finished image are drawn, page by page', async () => {
  const drawn = await get(`${image}/activations.png?layer=conv:1&cell=4`);
  expect(drawn.status).toBe(200);
  const png = Buffer.from(await drawn.arrayBuffer());
  expect((await sharp(png).stats()).channels.some(({ stdev }) => stdev > 10)).toBe(true);
  const etag = drawn.headers.get('etag') ?? '';
  const path = `${image}/activations.png?layer=conv:1&cell=4`;
  expect((await get(path, { 'if-none-match': etag })).status).toBe(304);
});

describe('a bad request is answered with what is allowed', () => {
  test.each([
    ['/v1/models/none/layers', 404, 'Unknown model'],
    ['/v1/models/tiny/layers?size=0x9', 400, 'Expected HEIGHTxWIDTH'],
    [`${'/v1/models/tiny/layers/'}nothing/filters.png`, 404, 'conv:N'],
    ['/v1/models/tiny/layers/1/filters.png', 400, 'Expected a convolution'],
    [
      '/v1/models/tiny/layers/conv:1/filters.png?mode=rgb',
      400,
      'Expected mode channels or collated',
    ],
    ['/v1/models/tiny/layers/conv:1/filters.png?mode=hsv', 400, '"rgb"|"channels"|"collated"'],
    ['/v1/models/tiny/layers/conv:1/filters.png?cell=900', 400, '<=64'],
    ['/v1/models/tiny/layers/conv:1/filters.png?page=9', 400, 'from 1 to 1'],
    ['/v1/models/tiny/layers/conv:1/filters.png?colour=red', 400, 'colour'],
    ['/v1/models/tiny/layers/1/filters.npy', 400, 'Expected a convolution'],
    ['IMAGE/activations.png', 400, 'layer'],
    ['IMAGE/activations.png?layer=conv:9', 404, 'conv:N'],
    ['IMAGE/activations.png?layer=conv:1&page=9', 400, 'from 1 to 1'],
    ['IMAGE/activations.png?layer=6', 400, 'feature maps'],
    ['IMAGE/input.png?row=1', 400, 'row and column'],
    ['IMAGE/input.png?row=40&column=0', 400, 'from 0,0 to 3,3'],
    ['IMAGE/input.png?row=0&column=0&grid=3', 400, 'grid to be from 0 to 0'],
    ['IMAGE/receptive-field.png', 400, 'layer'],
    ['IMAGE/receptive-field.png?layer=conv:1&unit=8,0', 400, 'from 0,0 to 7,7'],
    ['IMAGE/receptive-field.png?layer=6', 400, 'feature maps'],
    [`/v1/jobs/job_00000000000000000000000000/images/x/input.png`, 404, 'Unknown job'],
  ])('at %s', async (path, status, words) => {
    const response = await get(path.replace('IMAGE', image));
    const { detail } = (await response.json()) as { detail: string };
    expect([response.status, detail]).toEqual([status, expect.stringContaining(words)]);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });
});
