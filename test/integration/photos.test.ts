import { imageGeometry } from '@umbra/shared/contracts/geometry';
import type { ImageResult } from '@umbra/shared/contracts/result';
import { patchBox } from '@umbra/shared/occlusion/grid';
import { photoBoxOf } from '@umbra/shared/occlusion/photo-box';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

let service: TestService;
let dataset: string;
const upright = { width: 300, height: 200 };

beforeAll(async () => {
  service = await startService();
  // Stored on its side, with the place where it was taken.
  const bytes = await sharp({
    create: { width: 200, height: 300, channels: 3, background: '#336699' },
  })
    .withExif({ IFD0: { ImageDescription: 'secret' }, IFD3: { GPSLatitude: '52/1 31/1 12/1' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  dataset = await uploadPhotos(service.url, [{ name: 'secret-place.jpg', bytes }]);
});
afterAll(() => service.close());

const photoOf = (query = '', headers = {}, image = 'img_00000000', of = dataset) =>
  fetch(`${service.url}/v1/datasets/${of}/images/${image}/photo${query}`, { headers });

describe('a photo', () => {
  test('is upright, shrunk and never enlarged, and says nothing of where it was taken', async () => {
    for (const [query, width] of [
      ['?w=150', 150],
      ['?w=4096', 300],
      ['', 300],
    ] as const) {
      const response = await photoOf(query);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('image/webp');
      expect(response.headers.get('cache-control')).toBe('private, no-cache');
      const bytes = Buffer.from(await response.arrayBuffer());
      const metadata = await sharp(bytes).metadata();
      expect(metadata).toMatchObject({ width, height: (width * 2) / 3 });
      expect([metadata.exif, metadata.xmp, metadata.orientation]).toEqual([
        ...[undefined, undefined, undefined],
      ]);
      expect(bytes.includes('secret')).toBe(false);
    }
  });

  test('is not sent again to who has it', async () => {
    const etag = (await photoOf('?w=64')).headers.get('etag') ?? '';
    const again = await photoOf('?w=64', { 'if-none-match': etag });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect((await photoOf('?w=65', { 'if-none-match': etag })).status).toBe(200);
  });

  test('that is not there, or not there yet, is answered with words', async () => {
    const missing = await photoOf('', {}, 'img_00000001');
    expect(missing.status).toBe(404);
    expect(missing.headers.get('cache-control')).toBe('no-store');
    expect(await missing.json()).toMatchObject({
      detail: `Unknown image 'img_00000001' of dataset '${dataset}'`,
    });
    const open = await fetch(`${service.url}/v1/datasets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const { id } = (await open.json()) as { id: string };
    expect((await photoOf('', {}, 'img_00000000', id)).status).toBe(409);
    for (const bad of ['?w=15', '?w=4097', '?w=x', '?width=10']) {
      expect([bad, (await photoOf(bad)).status]).toEqual([bad, 400]);
    }
  });
});

describe('a cell', () => {
  test('has a place on the photo, before and after its image is finished', async () => {
    const settings = { patch: [16, 24], stride: 16 };
    const job = await submitJob(service.url, { dataset, model: 'tiny', settings });
    const images = `${service.url}/v1/jobs/${job}/images/img_00000000`;
    const read = async () => imageGeometry.parse(await (await fetch(`${images}/geometry`)).json());
    const before = await read();
    expect(before.photo).toEqual(upright);
    expect(before.grids).toHaveLength(2);
    await service.startWorker();
    await waitForJob(service.url, job);
    expect(await read()).toEqual(before);
    const result = (await (await fetch(`${images}/result.json`)).json()) as ImageResult;
    expect(result).toMatchObject({ version: 5, toPhoto: before.toPhoto, input: before.input });
    for (const { lowest } of result.targets) {
      const grid = before.grids[lowest.grid];
      if (grid === undefined) throw new RangeError('Expected the grid of the lowest score');
      const whole = { ...grid, image: before.input, stride: before.stride };
      const box = patchBox(whole, lowest.row, lowest.column);
      expect(lowest.box).toEqual(box);
      expect(lowest.photoBox).toEqual(photoBoxOf(box, before.toPhoto, before.photo));
    }
    await fetch(`${service.url}/v1/datasets/${dataset}`, { method: 'DELETE' });
    expect(await read()).toEqual(before);
    expect((await fetch(`${images.replace('00000000', '00000001')}/geometry`)).status).toBe(404);
  });
});
