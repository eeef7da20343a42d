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

  const places = async () =>
    (await readMetrics(service.metricsUrl)).get('umbra_turns{thing="downloads",state="held"}');

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
});
