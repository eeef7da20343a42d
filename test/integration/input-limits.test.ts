import { join } from 'node:path';
import { readVerifiedBundle } from '@umbra/engine';
import { writeTinyBundle } from '@umbra/engine/testing';
import { publishModel } from '@umbra/platform/store/models';
import type { JobStatus } from '@umbra/shared/contracts/job';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  makePhotos,
  postJob,
  startService,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

/** Photos of some kilobytes that become inputs of gibibytes, among others that do not. */
let service: TestService;
let narrow: { name: string; bytes: Buffer };
const side = 32;
const reason = 'Expected an input of the model of at most 4194304 px';

beforeAll(async () => {
  service = await startService();
  const fit = { resize: { rule: 'fit', shorterSide: side } } as const;
  const bundle = await writeTinyBundle(join(service.folder, 'more'), { name: 'fit', input: fit });
  await publishModel(service.store, bundle, await readVerifiedBundle(bundle));
  const blank = { width: 1, height: 60_000, channels: 3, background: '#369' } as const;
  narrow = { name: 'narrow.png', bytes: await sharp({ create: blank }).png().toBuffer() };
  await service.startWorker();
});
afterAll(() => service.close());

const job = (dataset: string, settings: object = { patch: 8, stride: 8 }) => ({
  dataset,
  model: 'fit',
  settings,
});

test('a photo that becomes too large an input fails alone, with its reason', async () => {
  const photos = await makePhotos(2);
  const dataset = await uploadPhotos(service.url, [...photos, narrow]);
  const response = await postJob(service.url, job(dataset));
  expect(response.status).toBe(202);
  const { id, warnings } = (await response.json()) as JobStatus & { warnings: string[] };
  expect(warnings).toEqual([
    expect.stringContaining(`2 of 3 images of dataset '${dataset}' can be run`),
  ]);
  const ended = await waitForJob(service.url, id);
  expect(ended.counts).toMatchObject({ completed: 2, failed: 1 });
  const listed = await fetch(`${service.url}/v1/jobs/${id}/images?state=failed`);
  const text = await listed.text();
  expect(text).toContain(reason);
  expect(text).toContain(`got 1920000 x ${side} px`);
});

test('a job that could run none of its photos is refused, in a dry run too', async () => {
  const dataset = await uploadPhotos(service.url, [narrow]);
  for (const query of ['', '?dryRun=true']) {
    const response = await fetch(`${service.url}/v1/jobs${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(job(dataset)),
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(reason);
  }
});
