import { createHash } from 'node:crypto';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.js';
import { until } from '../support/job-fixture.js';
import { readMetrics } from '../support/read-metrics.js';
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
/** Less than the minute of silence after which a call to S3 ends by itself. */
const promptMs = 30_000;

describe.skipIf(s3 === null)(`an S3 server (${s3?.kind}) that does not answer`, () => {
  let proxy: FaultyProxy;
  let service: TestService;
  let job: string;

  beforeAll(async () => {
    proxy = await startFaultyProxy(s3?.endpoint ?? '');
    const endpoint = `http://127.0.0.1:${proxy.port}`;
    const settings = { UMBRA_S3_ENDPOINT: endpoint, UMBRA_METRICS_PORT: '0' };
    service = await startService({ ...s3Env(), ...settings });
    const dataset = await uploadPhotos(service.url, await makePhotos(1));
    job = await submitJob(service.url, { dataset, model: 'tiny', settings: { patch: 16 } });
  });
  afterAll(async () => {
    await service?.close();
    await proxy?.close();
    vi.unstubAllEnvs();
  });

  const places = async (thing = 'downloads') =>
    (await readMetrics(service.metricsUrl)).get(`umbra_turns{thing="${thing}",state="held"}`);

  test('holds no place for a client that left', async () => {
    const key = keys.result(defaultTenant, job, 'img_00000000', 'heatmap.png');
    await service.store.put(key, 'a picture');
    proxy.set('stall', 'heatmap.png');
    const client = new AbortController();
    const url = `${service.url}/v1/jobs/${job}/images/img_00000000/heatmap.png`;
    const download = fetch(url, { signal: client.signal });
    await until('the call to stall', async () => proxy.stalled() === 1 || null);
    expect(await places()).toBe(1);
    client.abort();
    await expect(download).rejects.toThrow();
    await until('its place', async () => (await places()) === 0 || null, promptMs);
    // Nor one of the connections to S3.
    await until('its connection', async () => proxy.stalled() === 0 || null, promptMs);
    const calls = await readMetrics(service.metricsUrl);
    const ended = (outcome: string) =>
      calls.get(`umbra_store_operation_seconds_count{operation="stream",outcome="${outcome}"}`);
    expect([ended('abandoned'), ended('error')]).toEqual([1, undefined]);
    proxy.set('none');
    expect(await (await fetch(url)).text()).toBe('a picture');
  });

  describe('and a finished job', () => {
    let done: string;
    let photo: string;
    let sha256: string;

    beforeAll(async () => {
      await service.startWorker();
      const photos = await makePhotos(1);
      const dataset = await uploadPhotos(service.url, photos);
      photo = `/v1/datasets/${dataset}/images/img_00000000/photo`;
      sha256 = createHash('sha256')
        .update(photos[0]?.bytes ?? '')
        .digest('hex');
      const settings = { patch: 16 };
      done = await submitJob(service.url, { dataset, model: 'tiny', settings, outputs: [] });
      for (const one of [job, done]) await waitForJob(service.url, one);
    });

    const image = (rest: string) => `/v1/jobs/${done}/images/img_00000000/${rest}`;

    // What waits, what it holds meanwhile, and part of the call that is not answered.
    test.each<[string, string, () => string, () => string]>([
      ['a picture that is drawn', 'drawings', () => 'scores.npy', () => image('overlay.png')],
      ['a photo', 'drawings', () => sha256, () => photo],
      ["the model's input", 'drawings', () => sha256, () => image('input.png')],
      ['a file', 'downloads', () => 'result.json', () => image('result.json')],
      [
        'an archive that is written while it is sent',
        'downloads',
        () => 'scores.npy',
        () => `/v1/jobs/${done}/archive?include=overlay`,
      ],
      ['a list of errors', 'downloads', () => 'errors', () => `/v1/jobs/${done}/errors`],
      ['a list of jobs in a state', 'queries', () => 'job.json', () => '/v1/jobs?state=completed'],
      [
        'a list of images in a state',
        'queries',
        () => 'manifest.jsonl',
        () => `/v1/jobs/${done}/images?state=failed`,
      ],
      ['the index of rows', 'fills', () => 'manifest.jsonl', () => `/v1/jobs/${done}/rows`],
    ])('holds no place for who left while it waited for %s', async (_, thing, at, path) => {
      const client = new AbortController();
      proxy.set('stall', at());
      const asked = fetch(`${service.url}${path()}`, { signal: client.signal });
      const read = asked.then((answer) => answer.arrayBuffer());
      read.catch(() => undefined);
      await until('a place', async () => (await places(thing)) === 1 || null, promptMs);
      await until('a call to stall', async () => proxy.stalled() > 0 || null, promptMs);
      client.abort();
      await expect(read).rejects.toThrow();
      await until('its place', async () => (await places(thing)) === 0 || null, 1_000);
      proxy.set('none');
    });
  });
});
