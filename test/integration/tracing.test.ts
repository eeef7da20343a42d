import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTinyBundle } from '@umbra/engine/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Services, startServices } from '../../scripts/lib/services.mjs';
import { type Collector, type ReceivedSpan, startCollector } from '../support/collector.js';
import { until } from '../support/job-fixture.js';
import { makePhotos, submitJob, uploadPhotos, waitForJob } from '../support/service.js';

const images = 3;
const settings = { patch: 8, stride: 4 };
const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
let folder: string;
let collector: Collector;
let services: Services;

const start = async (env: Record<string, string>) => {
  services = await startServices({
    dir: folder,
    workers: 1,
    env: { UMBRA_MODELS_DIR: join(folder, 'models'), UMBRA_METRICS_PORT: '0', ...env },
  });
};
const run = async (headers: Record<string, string> = {}): Promise<string> => {
  const dataset = await uploadPhotos(services.url, await makePhotos(images));
  const response = await fetch(`${services.url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ dataset, model: 'tiny', settings, rowsPerShard: 4 }),
  });
  const { id } = (await response.json()) as { id: string };
  await waitForJob(services.url, id);
  return id;
};
const named = (spans: readonly ReceivedSpan[], name: string) =>
  spans.filter((span) => span.name === name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-tracing-'));
  await writeTinyBundle(join(folder, 'models'));
  collector = await startCollector();
});
afterEach(async () => {
  await services?.stop();
  await collector.close();
  await rm(folder, { recursive: true, force: true });
});

test('one trace leads from the request over the queue to shards, merges and the archive', async () => {
  await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '100' });
  const job = await run({ traceparent: `00-${caller.traceId}-${caller.spanId}-01` });
  const mine = () => collector.spans.filter(({ traceId }) => traceId === caller.traceId);
  await until('the archive to be traced', async () =>
    named(mine(), 'process archive').length > 0 ? true : null,
  );

  const [request, ...others] = named(mine(), 'POST /v1/jobs');
  expect(others).toEqual([]);
  expect(request).toMatchObject({ service: 'umbra-api', kind: 2, parentSpanId: caller.spanId });
  expect(request?.attributes).toMatchObject({ 'umbra.job': job, 'http.response.status_code': 202 });

  const queued = named(mine(), 'queue image');
  expect(queued).toHaveLength(images);
  for (const span of queued) {
    expect(span).toMatchObject({ service: 'umbra-worker', kind: 4, parentSpanId: request?.spanId });
  }
  const shards = named(mine(), 'process shard');
  expect(shards.length).toBeGreaterThan(images);
  const merges = named(mine(), 'process merge');
  expect(merges).toHaveLength(images);
  for (const step of [...shards, ...merges]) {
    expect(step).toMatchObject({ service: 'umbra-worker', kind: 5 });
    const parent = queued.find(({ spanId }) => spanId === step.parentSpanId);
    expect(parent?.attributes['umbra.image']).toBe(step.attributes['umbra.image']);
    expect(step.attributes).toMatchObject({ 'umbra.job': job, 'umbra.tenant': 'default' });
  }
  expect(shards.every(({ attributes }) => Number(attributes['umbra.row.end']) > 0)).toBe(true);

  // Ids and counts, and nothing that a user sent or got.
  expect(collector.text()).not.toMatch(/photo-\d|scores|bullmq\.job\.result|bullmq\.job\.options/);
  // A queue that looks for work belongs to nobody.
  const requests = new Set(
    collector.spans.filter(({ kind }) => kind === 2).map(({ traceId }) => traceId),
  );
  expect(collector.spans.filter(({ traceId }) => !requests.has(traceId))).toEqual([]);
});

test('a large job has the traces of its first images alone', async () => {
  await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    UMBRA_TRACE_IMAGES: '1',
  });
  await run();
  await until('the archive to be traced', async () =>
    named(collector.spans, 'process archive').length > 0 ? true : null,
  );
  expect(named(collector.spans, 'queue image')).toHaveLength(1);
  expect(named(collector.spans, 'process merge')).toHaveLength(1);
});

test('a collector that is away disturbs nothing', async () => {
  await collector.close();
  await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '100' });
  const dataset = await uploadPhotos(services.url, await makePhotos(1));
  const job = await submitJob(services.url, { dataset, model: 'tiny', settings });
  expect((await waitForJob(services.url, job)).state).toBe('completed');
  collector = await startCollector();
});
