import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeOnnx, slowNetwork, writeTinyBundle } from '@umbra/engine/testing';
import { createApiKey, type Scope } from '@umbra/platform/tenancy/api-keys';
import type { JobStatus } from '@umbra/shared/contracts/job';
import { type QueueReport, queueReport } from '@umbra/shared/contracts/queue';
import { type ListedWorker, listedWorker } from '@umbra/shared/contracts/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { until } from '../support/job-fixture.js';
import { makePhotos, startService, type TestService } from '../support/service.js';

const photos = 3;
/** A minute and more for each photo, in one shard: what runs is still running at the end of the test. */
const settings = { patch: 16, stride: 1 };
const rowsPerShard = 81;
/** A busy machine takes a while to load a model. */
const patienceMs = 120_000;

let folder: string;
let service: TestService;
const keys: Record<string, string> = {};
const jobs: Record<string, string> = {};

const makeKey = async (tenant: string, scope: Scope) =>
  (await createApiKey(service.store, { tenant, scopes: [scope] })).text;

const call = (path: string, key = '', init: RequestInit = {}) =>
  fetch(`${service.url}${path}`, {
    ...init,
    headers: { ...init.headers, authorization: `Bearer ${key}` },
  });

async function submit(key: string | undefined): Promise<string> {
  const form = new FormData();
  for (const { name, bytes } of await makePhotos(photos)) {
    form.append('images', new Blob([new Uint8Array(bytes)]), name);
  }
  const uploaded = await call('/v1/datasets', key, { method: 'POST', body: form });
  const { id: dataset } = (await uploaded.json()) as { id: string };
  const made = await call('/v1/jobs', key, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataset, model: 'slow', settings, rowsPerShard }),
  });
  expect(made.status).toBe(202);
  return ((await made.json()) as JobStatus).id;
}

async function readWorkers(
  key: string | undefined,
): Promise<{ text: string; list: ListedWorker[] }> {
  const text = await (await call('/v1/workers', key)).text();
  return { text, list: z.object({ data: z.array(listedWorker) }).parse(JSON.parse(text)).data };
}

async function readQueue(key: string | undefined): Promise<{ text: string; queue: QueueReport }> {
  const text = await (await call('/v1/queue', key)).text();
  return { text, queue: queueReport.parse(JSON.parse(text)) };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-workers-'));
  await writeTinyBundle(folder, {
    ...{ name: 'slow', size: 96, classes: 4, onnx: encodeOnnx(slowNetwork()) },
  });
  service = await startService({ UMBRA_AUTH: 'keys', UMBRA_MODELS_DIR: folder });
  keys.acme = await makeKey('acme', 'submit');
  keys.other = await makeKey('other', 'admin');
  keys.operator = await makeKey('default', 'admin');
});
afterAll(async () => {
  for (const [tenant, id] of Object.entries(jobs)) {
    await call(`/v1/jobs/${id}/cancel`, keys[tenant], { method: 'POST' });
  }
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

test('a job waits for a worker where none is up, and nothing runs', async () => {
  jobs.acme = await submit(keys.acme);
  const { queue } = await readQueue(keys.acme);
  expect(queue).toEqual({
    shards: [
      { formats: ['onnx'], waiting: 0, running: 0, oldestAt: null },
      { formats: ['tfjs-layers', 'tfjs-graph'], waiting: 0, running: 0, oldestAt: null },
    ],
    jobs: [
      expect.objectContaining({
        ...{ id: jobs.acme, state: 'queued', model: 'slow', imagesInFlight: 0 },
        waitsFor: { for: 'worker', words: expect.stringContaining('onnx') },
      }),
    ],
    unlisted: 0,
  });
  expect((await readWorkers(keys.acme)).list).toEqual([]);
});

describe('with a worker at work for two tenants', { timeout: patienceMs }, () => {
  beforeAll(async () => {
    // More threads than a tenant has images: both are served at once.
    jobs.other = await submit(keys.other);
    await service.startWorker({ UMBRA_INFERENCE_THREADS: '4', UMBRA_SHUTDOWN_MS: '100' });
    const bothServed = async () => {
      const { list } = await readWorkers(keys.operator);
      const served = new Set(list.flatMap(({ running }) => running.map(({ tenant }) => tenant)));
      return served.has('acme') && served.has('other') ? true : null;
    };
    await until('both tenants to be served', bothServed, patienceMs);
  }, 2 * patienceMs);

  test('a tenant sees its own shards, and only how much there is of others', async () => {
    for (const [own, foreign] of [
      ['acme', 'other'],
      ['other', 'acme'],
    ] as const) {
      const seen = await until(`${own} to be served`, async () => {
        const workers = await readWorkers(keys[own]);
        return workers.list.some(({ running }) => running.length > 0) ? workers : null;
      });
      expect(seen.text).not.toContain(jobs[foreign]);
      expect(seen.text).not.toContain(`"${foreign}"`);
      const [worker] = seen.list;
      expect(worker).toMatchObject({
        inferenceThreads: 4,
        formats: expect.arrayContaining(['onnx']),
      });
      expect(worker?.running).toContainEqual({
        ...{ step: 'shard', tenant: own, job: jobs[own], model: 'slow' },
        image: expect.stringMatching(/^img_0000000[0-2]$/),
        rows: { start: expect.any(Number), end: expect.any(Number) },
        since: expect.any(String),
      });
      const [{ rows, since } = { rows: null, since: '' }] = worker?.running ?? [];
      expect(rows?.end).toBeGreaterThan(rows?.start ?? Number.POSITIVE_INFINITY);
      const agoMs = Date.now() - Date.parse(since);
      expect(agoMs).toBeGreaterThan(-1_000);
      expect(agoMs).toBeLessThan(2 * patienceMs);
    }
  });

  test('an operator sees the shards of both', async () => {
    const { list } = await readWorkers(keys.operator);
    const running = list.flatMap((worker) => worker.running);
    expect(list.map(({ othersRunning }) => othersRunning)).toEqual([0]);
    expect(new Set(running.map(({ job }) => job))).toEqual(new Set([jobs.acme, jobs.other]));
  });

  test('the queue has shards that wait, and the jobs of the tenant alone', async () => {
    const third = await submit(keys.acme);
    const { queue, text } = await until('the queue to hold shards', async () => {
      const found = await readQueue(keys.acme);
      return (found.queue.shards[0]?.waiting ?? 0) > 0 ? found : null;
    });
    expect(text).not.toContain(jobs.other);
    expect(queue.shards[0]).toMatchObject({ running: 4, oldestAt: expect.any(String) });
    expect(Date.now() - Date.parse(queue.shards[0]?.oldestAt ?? '')).toBeLessThan(2 * patienceMs);
    expect(queue.jobs.map(({ id }) => id)).toEqual([jobs.acme, third]);
    expect(queue.jobs[0]).toMatchObject({ state: 'in_progress', waitsFor: null });
    expect(queue.jobs[0]?.imagesInFlight).toBeGreaterThan(0);
    expect(queue.jobs[1]).toMatchObject({ waitsFor: { for: 'turn' } });

    const paused = await call(`/v1/jobs/${third}/pause`, keys.acme, { method: 'POST' });
    expect(paused.status).toBe(202);
    const later = await readQueue(keys.acme);
    expect(later.queue.jobs[1]).toMatchObject({ state: 'paused', waitsFor: { for: 'resume' } });
    await call(`/v1/jobs/${third}/cancel`, keys.acme, { method: 'POST' });
  });
});
