import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.js';
import { s3Env } from '../support/s3-env.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

const s3 = inject('s3');
const images = 12;

describe.skipIf(s3 === null)(`an S3 server (${s3?.kind}) that fails under a job`, () => {
  let proxy: FaultyProxy;
  let service: TestService;
  let dataset: string;
  let expected: Buffer[];

  const submit = () =>
    submitJob(service.url, {
      dataset,
      model: 'tiny',
      settings: { patch: 16, stride: 1 },
      reuse: false,
    });
  const readScores = (job: string) =>
    Promise.all(
      Array.from({ length: images }, async (_, index) => {
        const image = `img_${String(index).padStart(8, '0')}`;
        const path = `/v1/jobs/${job}/images/${image}/scores.npy`;
        return Buffer.from(await (await fetch(service.url + path)).arrayBuffer());
      }),
    );
  const isWhole = { state: 'completed', counts: { total: images, completed: images, failed: 0 } };

  beforeAll(async () => {
    proxy = await startFaultyProxy(s3?.endpoint ?? '');
    const endpoint = `http://127.0.0.1:${proxy.port}`;
    service = await startService({ ...s3Env(), UMBRA_S3_ENDPOINT: endpoint });
    await service.startWorker();
    dataset = await uploadPhotos(service.url, await makePhotos(images));
    const job = await submit();
    expect(await waitForJob(service.url, job)).toMatchObject(isWhole);
    expected = await readScores(job);
  });
  afterAll(async () => {
    await service?.close();
    await proxy?.close();
    vi.unstubAllEnvs();
  });

  test.each(['error', 'reset'] as const)('by %s costs no image', async (fault) => {
    const job = await submit();
    await waitForJob(service.url, job, ({ counts }) => counts.completed > 0);
    const before = proxy.faults();
    proxy.set(fault);
    await sleep(13_000);
    proxy.set('none');
    expect(proxy.faults()).toBeGreaterThan(before);
    expect(await waitForJob(service.url, job)).toMatchObject(isWhole);
    expect(await readScores(job)).toEqual(expected);
  });
});
