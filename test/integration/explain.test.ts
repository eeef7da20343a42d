import { keys } from '@umbra/platform/store/keys';
import type { ImageResult } from '@umbra/shared/contracts/result';
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

let service: TestService;
let photo: Buffer;
const settings = JSON.stringify({ patch: 8, stride: 8 });

beforeAll(async () => {
  service = await startService();
  [photo = Buffer.alloc(0)] = (await makePhotos(1)).map(({ bytes }) => bytes);
});
afterAll(() => service.close());

const explain = (query: Record<string, string>, init: RequestInit = {}, body: Buffer = photo) =>
  fetch(`${service.url}/v1/explain?${new URLSearchParams(query)}`, {
    method: 'POST',
    body: new Uint8Array(body),
    ...init,
    headers: { 'content-type': 'image/png', ...init.headers },
  });
type Answer = { job: string; result: ImageResult; files: { name: string; path: string }[] };

test('without a worker there is no answer in time, and the job is given up', async () => {
  const response = await explain({ model: 'tiny', settings, deadlineSeconds: '1' });
  expect(response.status).toBe(504);
  const problem = (await response.json()) as { code: string; detail: string };
  expect(problem.code).toBe('deadline_exceeded');
  const job = /job_[0-9a-z]{20}/.exec(problem.detail)?.[0] ?? '';
  await service.startWorker();
  const status = await waitForJob(service.url, job, ({ state }) => state === 'cancelled');
  expect(status).toMatchObject({ interactive: true });
});

test('an image is explained at once, as bytes or in a form', async () => {
  const response = await explain({ model: 'tiny', settings });
  expect(response.status).toBe(200);
  const { job, result, files } = (await response.json()) as Answer;
  expect(result.grids).toMatchObject([{ rows: 4, columns: 4 }]);
  for (const { name, path } of files) {
    const file = await fetch(`${service.url}${path}`);
    expect([name, file.status]).toEqual([name, 200]);
  }
  expect(await waitForJob(service.url, job)).toMatchObject({
    ...{ state: 'completed', interactive: true, keepResultsSeconds: 3600 },
    counts: { total: 1, completed: 1 },
  });
  const form = new FormData();
  form.append('model', 'tiny');
  form.append('settings', settings);
  form.append('image', new Blob([new Uint8Array(photo)]), '../cats/tom.png');
  const other = await fetch(`${service.url}/v1/explain`, { method: 'POST', body: form });
  expect(other.status).toBe(200);
  const said = ((await other.json()) as Answer).result;
  expect(said).toMatchObject({ image: { name: 'tom.png' }, targets: result.targets });
});

test('a picture is given to those who ask for one', async () => {
  const accept = { headers: { accept: 'image/png' } };
  const pictures = new Set<string>();
  for (const picture of ['overlay', 'heatmap']) {
    const response = await explain({ model: 'tiny', settings, picture }, accept);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
    const png = Buffer.from(await response.arrayBuffer());
    const { width = 0 } = await sharp(png).metadata();
    expect(width).toBeGreaterThan(448);
    pictures.add(png.toString('base64'));
  }
  expect(pictures.size).toBe(2);
});

test('it goes before the images of a large job', async () => {
  const dataset = await uploadPhotos(service.url, await makePhotos(60));
  const job = await submitJob(service.url, {
    ...{ dataset, model: 'tiny', settings: { patch: 8, stride: 1 }, reuse: false },
  });
  await waitForJob(service.url, job, ({ counts }) => counts.completed > 0);
  const response = await explain({ model: 'tiny', settings: '{"patch": 16, "stride": 16}' });
  expect(response.status).toBe(200);
  const status = await waitForJob(service.url, job, () => true);
  expect(status.counts.completed).toBeLessThan(60);
  await fetch(`${service.url}/v1/jobs/${job}/cancel`, { method: 'POST' });
});

test('a client that leaves takes its job with it', async () => {
  const slow = await startService();
  const leave = new AbortController();
  const asked = fetch(`${slow.url}/v1/explain?model=tiny`, {
    ...{ method: 'POST', body: new Uint8Array(photo), signal: leave.signal },
    headers: { 'content-type': 'image/png' },
  });
  asked.catch(() => undefined);
  const firstJob = async () => {
    for await (const { key } of slow.store.list(keys.activeJobs('default'))) return key;
    return undefined;
  };
  let key: string | undefined;
  while (key === undefined) key = await firstJob();
  leave.abort();
  const job = key.split('/').at(-1) ?? '';
  const mark = keys.cancellation('default', job);
  while ((await slow.store.head(mark)) === null) await new Promise((done) => setTimeout(done, 20));
  await slow.close();
});

test('its job is deleted with its image', async () => {
  const { job } = (await (await explain({ model: 'tiny', settings })).json()) as Answer;
  const { dataset } = await waitForJob(service.url, job);
  const gone = await fetch(`${service.url}/v1/jobs/${job}`, { method: 'DELETE' });
  expect(gone.status).toBe(204);
  expect((await fetch(`${service.url}/v1/datasets/${dataset}`)).status).toBe(404);
});

test.each([
  ['no model', {}, 400],
  ['an unknown model', { model: 'none' }, 404],
  ['bad settings', { model: 'tiny', settings: '{' }, 400],
  ['a patch that does not fit', { model: 'tiny', settings: '{"patch": 4000}' }, 400],
  ['a long deadline', { model: 'tiny', deadlineSeconds: '1000' }, 400],
  ['an unknown word', { model: 'tiny', colour: 'red' }, 400],
] as const)('%s is refused', async (_what, query, status) => {
  expect((await explain(query)).status).toBe(status);
});

test('what is no image is refused, and leaves nothing behind', async () => {
  expect((await explain({ model: 'tiny' }, {}, Buffer.from('not an image'))).status).toBe(400);
  expect((await explain({ model: 'tiny' }, {}, Buffer.alloc(0))).status).toBe(400);
  const json = { headers: { 'content-type': 'application/json' } };
  expect((await explain({ model: 'tiny' }, json)).status).toBe(415);
  const two = new FormData();
  two.append('model', 'tiny');
  for (const name of ['a', 'b']) two.append('image', new Blob([new Uint8Array(photo)]), name);
  expect((await fetch(`${service.url}/v1/explain`, { method: 'POST', body: two })).status).toBe(
    400,
  );
});
