import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { newJobId } from '@umbra/shared/ids';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readMetrics } from '../support/read-metrics.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

const settings = { patch: 8, stride: 4 };
let service: TestService;

beforeEach(async () => {
  service = await startService({ UMBRA_METRICS_PORT: '0' });
});
afterEach(() => service.close());

const submit = async (photos: number): Promise<string> => {
  const dataset = await uploadPhotos(service.url, await makePhotos(photos));
  return submitJob(service.url, { dataset, model: 'tiny', settings });
};
/** What was read is kept for two seconds. */
const untilFresh = () => new Promise((resolve) => setTimeout(resolve, 2_100));

test('the backlog counts the jobs of every tenant', async () => {
  const job = await submit(2);
  const record = (await service.store.get(keys.job(defaultTenant, job))).toString();
  const id = newJobId();
  await service.store.put(keys.job('another', id), record.replaceAll(job, id));
  await service.store.put(keys.activeJob('another', id), id);
  const reading = await readMetrics(service.metricsUrl);
  expect(reading.get('umbra_active_jobs')).toBe(2);
});

test('the API reports queued work before any worker runs, and none once it is done', async () => {
  const idle = await readMetrics(service.metricsUrl);
  expect(idle.get('umbra_backlog_up')).toBe(1);
  expect(idle.get('umbra_queued_work_seconds')).toBe(0);
  expect(idle.get('umbra_active_jobs')).toBe(0);

  const job = await submit(4);
  await untilFresh();
  const burst = await readMetrics(service.metricsUrl);
  const queued = burst.get('umbra_queued_positions{model="tiny"}') ?? 0;
  expect(queued).toBeGreaterThan(4);
  expect(queued % 4).toBe(0);
  // Nothing has been measured: 20 ms are assumed.
  expect(burst.get('umbra_queued_work_seconds')).toBeCloseTo(queued * 0.02);
  expect(burst.get('umbra_active_jobs')).toBe(1);
  expect(burst.get('umbra_queue_jobs{queue="dispatch",state="wait"}')).toBe(1);

  const worker = await service.startWorker();
  const { positions } = await waitForJob(service.url, job);
  expect(positions.total).toBe(queued);
  await untilFresh();
  const drained = await readMetrics(service.metricsUrl);
  expect(drained.get('umbra_queued_work_seconds')).toBe(0);
  expect(drained.get('umbra_queued_positions{model="tiny"}')).toBe(0);
  expect(drained.get('umbra_active_jobs')).toBe(0);
  // The dispatcher is one queue job that never ends.
  expect(drained.sum('umbra_queue_jobs')).toBe(1);
  expect(drained.get('umbra_queue_jobs{queue="dispatch",state="active"}')).toBe(1);
  expect(drained.get('umbra_position_seconds{model="tiny"}')).toBeGreaterThan(0);

  const work = await readMetrics(worker.metricsUrl);
  const series = '{model="tiny",backend="onnxruntime cpu"}';
  expect(work.sum('umbra_positions_total')).toBe(queued);
  expect(work.get(`umbra_positions_total${series}`)).toBe(queued);
  expect(work.get('umbra_images_total{outcome="completed"}')).toBe(4);
  expect(work.get('umbra_tenant_images_total{tenant="default",outcome="completed"}')).toBe(4);
  expect(work.get('umbra_tenant_positions_total{tenant="default"}')).toBe(queued);
  expect(work.get('umbra_tenant_stored_bytes_total{tenant="default"}')).toBeGreaterThan(1_000);
  expect(work.get('umbra_jobs_total{state="completed"}')).toBe(1);
  const secondsPerPosition = work.sum('umbra_inference_thread_seconds_total') / queued;
  expect(drained.get('umbra_position_seconds{model="tiny"}')).toBeLessThan(secondsPerPosition * 10);
  expect(work.get('umbra_step_seconds_count{step="merge",outcome="done"}')).toBe(4);
  expect(work.get('umbra_redis_up')).toBe(1);
  expect(work.sum('umbra_store_operation_seconds_count')).toBeGreaterThan(20);
  const lookups = work.sum('umbra_image_cache_total');
  expect(lookups).toBe(work.sum('umbra_step_seconds_count') - outside(work));
});

/** Runs of the steps that prepare no image. */
const outside = (reading: Awaited<ReturnType<typeof readMetrics>>): number =>
  ['dispatch', 'merge', 'archive']
    .flatMap((step) =>
      ['done', 'again', 'failed'].map((outcome) =>
        reading.get(`umbra_step_seconds_count{step="${step}",outcome="${outcome}"}`),
      ),
    )
    .reduce((sum: number, count) => sum + (count ?? 0), 0);

test('work that cannot be read is left out, and not reported as none', async () => {
  expect((await readMetrics(service.metricsUrl)).get('umbra_queued_work_seconds')).toBe(0);
  await service.redis.stop();
  await untilFresh();
  const blind = await readMetrics(service.metricsUrl);
  expect(blind.get('umbra_backlog_up')).toBe(0);
  expect(blind.get('umbra_redis_up')).toBe(0);
  for (const name of ['umbra_queued_work_seconds', 'umbra_active_jobs', 'umbra_queue_jobs']) {
    expect(blind.names.has(name)).toBe(false);
  }
});

test('requests are counted by route, so that ids make no series', async () => {
  for (const id of ['job_00000000000000000000', 'job_11111111111111111111']) {
    await (await fetch(`${service.url}/v1/jobs/${id}`)).arrayBuffer();
  }
  await (await fetch(`${service.url}/nowhere/else`)).arrayBuffer();
  const reading = await readMetrics(service.metricsUrl);
  const seen = (route: string) =>
    reading.get(`umbra_http_request_seconds_count{method="GET",route="${route}",status="404"}`);
  expect(seen('/v1/jobs/:job')).toBe(2);
  expect(seen('none')).toBe(1);
});

test('metrics are served on loopback, on a port of their own, and only if configured', async () => {
  expect(new URL(service.metricsUrl ?? '').hostname).toBe('127.0.0.1');
  expect((await fetch(`${service.metricsUrl}/healthz`)).status).toBe(200);
  expect((await fetch(`${service.metricsUrl}/v1/jobs`)).status).toBe(404);
  expect((await fetch(`${service.url}/metrics`)).status).toBe(404);
  const quiet = await service.startWorker({ UMBRA_METRICS_PORT: '' });
  expect(quiet.metricsUrl).toBeUndefined();
});

test('steps run in processes of their own', async () => {
  const job = await submit(2);
  const dispatcher = await service.startWorker({ UMBRA_STEPS: 'dispatch,merge,archive' });
  await waitForJob(service.url, job, ({ state }) => state === 'in_progress');
  expect((await readMetrics(dispatcher.metricsUrl)).sum('umbra_positions_total')).toBe(0);
  const shards = await service.startWorker({ UMBRA_STEPS: 'shard' });
  await waitForJob(service.url, job);
  const work = await readMetrics(shards.metricsUrl);
  expect(work.sum('umbra_positions_total')).toBeGreaterThan(0);
  expect(work.get('umbra_step_seconds_count{step="merge",outcome="done"}')).toBeUndefined();
});

test('alerts, the dashboard and the scaler query metrics that exist', async () => {
  const worker = await service.startWorker();
  const api = await readMetrics(service.metricsUrl);
  const work = await readMetrics(worker.metricsUrl);
  const declared = new Set([...api.declared, ...work.declared]);
  const files = [
    'ops/prometheus/alerts.yml',
    'ops/prometheus/alerts.test.yml',
    'ops/grafana/dashboards/umbra.json',
    'k8s/overlays/cpu/scaled-object.yaml',
    'k8s/overlays/nvidia/scaled-object.yaml',
  ];
  for (const file of files) {
    const text = readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');
    const asked = text.match(/\b(?:umbra|nodejs|process)_[a-z0-9_]+/g) ?? [];
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((name) => !declared.has(name))).toEqual([]);
  }
});
