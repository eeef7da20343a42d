import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeOnnx, slowNetwork, writeTinyBundle } from '@umbra/engine/testing';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { type PartialResult, partialResult } from '@umbra/shared/contracts/partial';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

const settings = { patch: 16, stride: 8, strategy: 'dense', target: { kind: 'top', k: 2 } };
/** Of the model's 96 px. */
const [rows, columns] = [11, 11];
const image = 'img_00000000';
let folder: string;
let service: TestService;
let job: string;

const get = (path: string, of = image) =>
  fetch(`${service.url}/v1/jobs/${job}/images/${of}/${path}`, { redirect: 'manual' });

async function readPartial(): Promise<PartialResult | null> {
  const response = await get('partial');
  if (response.status === 303) return null;
  expect(response.status).toBe(200);
  expect(response.headers.get('retry-after')).toBe('1');
  return partialResult.parse(await response.json());
}

async function statesOf(query = ''): Promise<string[]> {
  const response = await fetch(`${service.url}/v1/jobs/${job}/images${query}`);
  expect(response.status).toBe(200);
  return ((await response.json()) as { data: { state: string }[] }).data.map(({ state }) => state);
}

const floats = (base64: string): number[] => {
  const bytes = Buffer.from(base64, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-partial-'));
  const onnx = encodeOnnx(slowNetwork());
  await writeTinyBundle(folder, { name: 'slow', size: 96, classes: 4, onnx });
  service = await startService({ UMBRA_MODELS_DIR: folder });
  const dataset = await uploadPhotos(service.url, await makePhotos(1));
  job = await submitJob(service.url, { dataset, model: 'slow', settings, rowsPerShard: 1 });
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

test('of an image that is not begun, its grid is known, and no rows', async () => {
  const partial = await readPartial();
  expect(partial).toEqual({
    ...{ image, rows, predicted: null, targets: [], bands: [] },
    grids: [{ patch: { height: 16, width: 16 }, rows, columns }],
  });
  const picture = await get('partial.png');
  expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/png']);
  const { status } = await get('partial', 'img_00000001');
  expect(status).toBe(404);
  expect([await statesOf(), await statesOf('?state=running')]).toEqual([['pending'], []]);
});

test('rows of an image are seen while it runs, and are those of its final result', async () => {
  await service.startWorker();
  const seen = new Map<number, PartialResult>();
  const pictures = new Set<string>();
  const states = new Set<string>();
  for (;;) {
    for (const state of await statesOf()) states.add(state);
    const partial = await readPartial();
    if (partial === null) break;
    if (partial.bands.length > 0 && !seen.has(partial.bands.length)) {
      const picture = await get('partial.png?target=1');
      if (picture.status === 200) {
        const png = Buffer.from(await picture.arrayBuffer());
        expect((await sharp(png).metadata()).width).toBeGreaterThan(400);
        pictures.add(png.toString('base64'));
      }
    }
    seen.set(partial.bands.length, partial);
    await sleep(10);
  }
  const counts = [...seen.keys()].filter((count) => count > 0);
  expect(counts.length).toBeGreaterThanOrEqual(3);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(pictures.size).toBeGreaterThanOrEqual(2);

  await waitForJob(service.url, job);
  expect(states).toContain('running');
  expect([await statesOf(), await statesOf('?state=running')]).toEqual([['completed'], []]);
  const bytes = await service.store.get(keys.result(defaultTenant, job, image, 'scores.npy'));
  const final = floats(bytes.subarray(bytes.length - 2 * rows * columns * 4).toString('base64'));
  for (const { bands, targets } of seen.values()) {
    for (const { rowStart, rowEnd, scores } of bands) {
      const expected = targets.flatMap((_, target) => {
        const offset = target * rows * columns;
        return final.slice(offset + rowStart * columns, offset + rowEnd * columns);
      });
      expect(floats(scores)).toEqual(expected);
    }
  }
});

test('of a finished image, the answer is where its result is', async () => {
  for (const [path, file] of [
    ['partial', 'result.json'],
    ['partial.png', 'heatmap.png'],
    ['partial.png?target=1', 'heatmap-2.png'],
  ] as const) {
    const response = await get(path);
    expect(response.status).toBe(303);
    const location = response.headers.get('location') ?? '';
    expect(location).toBe(`/v1/jobs/${job}/images/${image}/${file}`);
    expect((await fetch(service.url + location)).status).toBe(200);
  }
});
