import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
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

describe.skipIf(s3 === null)(`a job on an S3 server (${s3?.kind})`, () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startService(s3Env());
    await service.startWorker();
  });
  afterAll(async () => {
    await service.close();
    vi.unstubAllEnvs();
  });

  test('runs from upload to archive', async () => {
    const dataset = await uploadPhotos(service.url, await makePhotos(3));
    const job = await submitJob(service.url, {
      dataset,
      model: 'tiny',
      settings: { patch: 8, stride: 8 },
    });
    expect(await waitForJob(service.url, job)).toMatchObject({
      state: 'completed',
      counts: { total: 3, completed: 3, failed: 0 },
    });
    const archive = await fetch(`${service.url}/v1/jobs/${job}/archive`);
    const bytes = Buffer.from(await archive.arrayBuffer());
    expect(bytes.subarray(0, 2).toString()).toBe('PK');
    expect(bytes.length).toBe(Number(archive.headers.get('content-length')));
    const file = await fetch(`${service.url}/v1/jobs/${job}/images/img_00000002/scores.npy`);
    expect((await file.arrayBuffer()).byteLength).toBe(128 + 16 * 4);
  });

  test('takes the rows that an earlier job has left there', async () => {
    const settings = { patch: 8, stride: 1, target: { kind: 'top', k: 5 } };
    const run = async (photos: number, more: object = {}) => {
      const dataset = await uploadPhotos(service.url, await makePhotos(photos));
      const job = await submitJob(service.url, { dataset, model: 'tiny', settings, ...more });
      expect(await waitForJob(service.url, job)).toMatchObject({ counts: { completed: photos } });
      const read = async (image: number, file: string) =>
        fetch(`${service.url}/v1/jobs/${job}/images/img_0000000${image}/${file}`);
      return read;
    };
    const reused = async (answer: Promise<Response>) =>
      ((await (await answer).json()) as { reused: boolean }).reused;
    const first = await run(1);
    const second = await run(2, { rowsPerShard: 5 });
    expect(await reused(first(0, 'result.json'))).toBe(false);
    expect(await reused(second(0, 'result.json'))).toBe(true);
    expect(await reused(second(1, 'result.json'))).toBe(false);
    const bytes = async (answer: Promise<Response>) =>
      Buffer.from(await (await answer).arrayBuffer());
    const scores = await bytes(first(0, 'scores.npy'));
    expect(scores.length).toBeGreaterThan(5 * 25 * 25 * 4);
    expect(await bytes(second(0, 'scores.npy'))).toEqual(scores);
  });
});
