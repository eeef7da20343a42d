import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig } from '@umbra/platform/config';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { openStore } from '@umbra/platform/store/open-store';
import type { ObjectStore } from '@umbra/platform/store/store';
import { workerConfig } from '@umbra/worker/config';
import { afterEach, describe, expect, inject, test, vi } from 'vitest';
import { s3Env } from '../support/s3-env.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

const settings = { patch: 4, stride: 1 };
const images = 6;
const services: TestService[] = [];
const start = async (env: Record<string, string> = {}) => {
  const service = await startService({ UMBRA_RESUME_MS: '500', ...env });
  services.push(service);
  return service;
};
afterEach(async () => {
  for (const service of services.splice(0)) await service.close();
  vi.unstubAllEnvs();
});

/** A job that has ended and one that has hardly begun, while the copy is made. */
async function fill(service: TestService): Promise<{ ended: string; open: string }> {
  const dataset = await uploadPhotos(service.url, await makePhotos(images));
  // What it has begun is given back at once when it ends.
  const worker = await service.startWorker({ UMBRA_SHUTDOWN_MS: '1' });
  const ended = await submitJob(service.url, { dataset, model: 'tiny', settings });
  await waitForJob(service.url, ended);
  const other = { ...settings, fill: { kind: 'blur', sigma: 2 } };
  const open = await submitJob(service.url, { dataset, model: 'tiny', settings: other });
  await waitForJob(service.url, open, ({ counts }) => counts.completed > 0);
  await worker.close();
  return { ended, open };
}

const scoresOf = async (service: TestService, job: string): Promise<Buffer[]> =>
  Promise.all(
    Array.from({ length: images }, async (_, index) => {
      const path = `/v1/jobs/${job}/images/img_0000000${index}/scores.npy`;
      const answer = await fetch(`${service.url}${path}`);
      expect(answer.status).toBe(200);
      return Buffer.from(await answer.arrayBuffer());
    }),
  );

/** What the runbook says a restored installation must do. */
async function expectWhole(
  from: TestService,
  to: TestService,
  jobs: Awaited<ReturnType<typeof fill>>,
) {
  expect(await scoresOf(to, jobs.ended)).toEqual(await scoresOf(from, jobs.ended));
  const archive = await fetch(`${to.url}/v1/jobs/${jobs.ended}/archive`);
  expect(
    Buffer.from(await archive.arrayBuffer())
      .subarray(0, 2)
      .toString(),
  ).toBe('PK');
  expect(await to.store.head(keys.activeJob(defaultTenant, jobs.open))).not.toBeNull();
  await to.startWorker();
  expect(await waitForJob(to.url, jobs.open)).toMatchObject({
    state: 'completed',
    counts: { total: images, completed: images, failed: 0 },
  });
  await scoresOf(to, jobs.open);
}

test('a copy of the folder and an empty Redis are a whole installation', async () => {
  const first = await start();
  const jobs = await fill(first);
  const copy = join(first.folder, 'copy');
  await cp(join(first.folder, 'store'), copy, { recursive: true });
  const second = await start({ UMBRA_STORE_DIR: copy });
  await expectWhole(first, second, jobs);
});

const s3 = inject('s3');

describe.skipIf(s3 === null)(`on an S3 server (${s3?.kind})`, () => {
  test('a copy of the objects and an empty Redis are a whole installation', async () => {
    const first = await start({ ...s3Env(), UMBRA_S3_PREFIX: 'restore/from/' });
    const jobs = await fill(first);
    const target = { ...s3Env(), UMBRA_S3_PREFIX: 'restore/to/' };
    await copyObjects(first.store, openStore(readConfig(workerConfig, target)));
    const second = await start(target);
    await expectWhole(first, second, jobs);
  });
});

/** As `aws s3 sync` does: each object, whole. */
async function copyObjects(from: ObjectStore, to: ObjectStore): Promise<void> {
  for (const prefix of ['tenants/', 'models/', keys.allActiveJobs()]) {
    for await (const { key } of from.list(prefix)) await to.put(key, await from.get(key));
  }
}
