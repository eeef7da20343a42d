import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redisPrefix } from '@umbra/platform/queues/names';
import { keys as storeKeys } from '@umbra/platform/store/keys';
import type { Dataset } from '@umbra/shared/contracts/dataset';
import { isFinal, type JobStatus } from '@umbra/shared/contracts/job';
import { allOutputs } from '@umbra/shared/contracts/outputs';
import type { PartialResult } from '@umbra/shared/contracts/partial';
import type { ImageStatus } from '@umbra/shared/contracts/result';
import type { Delivery } from '@umbra/shared/contracts/webhook';
import type { WorkerNotice } from '@umbra/shared/contracts/worker';
import { Redis } from 'ioredis';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/job-fixture.js';
import { startService, type TestService } from '../support/service.js';
import { createResultCheck, sha256Of } from './check-results.js';
import { type ExpectedJob, fillRedis, readExpected, unpackStore } from './open-fixture.js';

/**
 * An installation of an older version that was killed at work goes on with this version.
 *
 * @see make.mjs, which made it
 */
const fixture = await readExpected();
const { jobs, datasets, keys, tenant } = fixture;
const jobOf = (name: string): ExpectedJob => jobs[name] ?? expect.fail(`no job ${name}`);
/** What takes 10 s alone takes this long at most on a machine that is busy with other tests. */
const maxWorkMs = 120_000;

type Received = { readonly headers: IncomingHttpHeaders; readonly body: string };

describe.each([
  { what: 'an empty Redis', isFilled: false },
  { what: 'the Redis of that moment', isFilled: true },
])('a store of an older version and $what', ({ isFilled }) => {
  let folder: string;
  /** What the older version has left in the store. */
  let left: ReadonlySet<string>;
  let service: TestService;
  let receiver: Server;
  const received: Received[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'umbra-upgrade-'));
    receiver = createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      received.push({ headers: request.headers, body });
      response.writeHead(204).end();
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const { port } = receiver.address() as AddressInfo;
    const store = join(folder, 'store');
    left = await unpackStore(store, `http://127.0.0.1:${port}/hook`);
    service = await startService({
      ...{ UMBRA_STORE_DIR: store, UMBRA_AUTH: 'keys', UMBRA_WEBHOOK_ALLOW_PRIVATE: '1' },
    });
    if (isFilled) await fillRedis(service.redis.url);
  });
  afterAll(async () => {
    await service?.close();
    receiver?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const call = (path: string, init: RequestInit = {}, key = keys.submit): Promise<Response> =>
    fetch(`${service.url}/v1${path}`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, ...init.headers },
    });
  const get = async <T>(path: string): Promise<T> => {
    const answer = await call(path);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const post = async (path: string): Promise<number> =>
    (await call(path, { method: 'POST' })).status;
  const submit = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    call('/jobs', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  const bytesOf = async (path: string): Promise<Buffer> => {
    const answer = await call(path);
    expect(answer.status, path).toBe(200);
    return Buffer.from(await answer.arrayBuffer());
  };
  const untilEnd = (id: string): Promise<JobStatus> =>
    until(
      `job ${id} to end`,
      async () => {
        const status = await get<JobStatus>(`/jobs/${id}`);
        return isFinal(status.state) ? status : null;
      },
      maxWorkMs,
    );
  const { expectResults, expectArchive } = createResultCheck({
    fixture,
    bytesOf,
    isLeft: (key) => left.has(key),
  });

  test('keys hold, and those that ended do not', async () => {
    expect((await call('/jobs')).status).toBe(200);
    expect((await call('/jobs', {}, keys.read)).status).toBe(200);
    expect((await call('/jobs', {}, keys.revoked)).status).toBe(401);
    expect((await call('/jobs', {}, keys.replaced)).status).toBe(401);
  });

  test('jobs are where they were, before anything works on them', async () => {
    const { data } = await get<{ data: JobStatus[] }>('/jobs?limit=100');
    const shown = new Map(data.map((job) => [job.id, job]));
    for (const [name, { id, stateWhenKilled }] of Object.entries(jobs)) {
      // What its user asked for is told at once.
      const state = name === 'cancelled' ? expect.any(String) : stateWhenKilled;
      const attempt = name === 'partly' ? 2 : 1;
      expect(shown.get(id), name).toMatchObject({ version: 4, state, attempt });
    }
  });

  test('what had ended is as it was', async () => {
    const completed = jobOf('completed');
    expect(await get<JobStatus>(`/jobs/${completed.id}`)).toMatchObject({
      ...{ state: 'completed', counts: { total: 2, completed: 2, failed: 0 } },
      ...{ metadata: { order: '1' }, priority: 60, errorThreshold: 0.5 },
    });
    await expectResults(completed);
    await expectResults(jobOf('partly'));
    const archive = await bytesOf(`/jobs/${completed.id}/archive`);
    expect(sha256Of(archive)).toBe(completed.archives?.['archive.zip']);
    await expectArchive(completed);
    const path = `/jobs/${completed.id}/deliveries`;
    const { data } = await get<{ data: Delivery[] }>(path);
    expect(data).toMatchObject([{ state: 'delivered', attempts: [{ status: 204 }] }]);
  });

  test('datasets are as they were', async () => {
    const read = (name: string) => get<Dataset>(`/datasets/${datasets[name]}`);
    expect(await read('six')).toMatchObject({ state: 'ready', images: 6, refused: 1 });
    expect(await read('labelled')).toMatchObject({ state: 'ready', images: 2, labelled: 1 });
    expect(await read('failed')).toMatchObject({ state: 'failed', refused: 1 });
    expect(await read('listed')).toMatchObject({ state: 'validating' });
    expect(await read('open')).toMatchObject({ state: 'open', images: 2, refused: 1 });
    const { data } = await get<{ data: Dataset[] }>('/datasets');
    expect(data.map(({ id }) => id).sort()).toEqual(Object.values(datasets).sort());
  });

  test('a request with an old Idempotency-Key finds its job', async () => {
    const { key, request } = fixture.idempotency;
    const again = await submit(request, { 'idempotency-key': key });
    expect(again.status).toBe(202);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.json()).toMatchObject({ id: jobOf('completed').id });
  });

  test('rows that were done are shown before their image is merged, if Redis knows them', async () => {
    const bandsOf = async (name: string, image: string) => {
      const path = `/jobs/${jobOf(name).id}/images/${image}/partial`;
      return (await get<PartialResult>(path)).bands;
    };
    const merging = await bandsOf('running', 'img_00000002');
    expect(merging.map(({ rowStart }) => rowStart)).toEqual(isFilled ? [0, 2, 4, 6] : []);
    const inStore = await bandsOf('spilling', 'img_00000000');
    expect(inStore.map(({ rowEnd }) => rowEnd)).toEqual(isFilled ? [130] : []);
    for (const { predictedClasses } of [...merging, ...inStore]) {
      expect(predictedClasses.length).toBeGreaterThan(0);
    }
  });

  test(
    'what was at work, paused or queued comes to the same end as without a kill',
    async () => {
      await service.startWorker();
      expect(await post(`/jobs/${jobOf('paused').id}/resume`)).toBe(202);
      const others = ['finalizing', 'queued', 'validating', 'tfjs'];
      for (const name of ['running', 'spilling', 'paused', ...others]) {
        const job = jobOf(name);
        const total = Object.keys(job.images).length;
        expect(await untilEnd(job.id), name).toMatchObject({
          ...{ state: 'completed', error: null, counts: { total, completed: total, failed: 0 } },
        });
        await expectResults(job);
        await expectArchive(job);
      }
    },
    maxWorkMs + 60_000,
  );

  test('workers that were killed are forgotten', async () => {
    const redis = new Redis(service.redis.url);
    const known = await redis.hkeys(`${redisPrefix}:fleet`);
    redis.disconnect();
    const { data } = await get<{ data: WorkerNotice[] }>('/workers');
    expect(data).toHaveLength(1);
    expect(known).toEqual(data.map(({ id }) => id));
  });

  test('what was to be cancelled is', async () => {
    const { id } = jobOf('cancelled');
    expect(await untilEnd(id)).toMatchObject({ state: 'cancelled', counts: { total: 2 } });
  });

  test('what was to be retried is run again, and what was finished stays', async () => {
    const partly = jobOf('partly');
    expect(await untilEnd(partly.id)).toMatchObject({
      ...{ state: 'completed', attempt: 2, counts: { total: 2, completed: 1, failed: 1 } },
    });
    const path = `/jobs/${partly.id}/images?state=failed`;
    const { data } = await get<{ data: ImageStatus[] }>(path);
    expect(data).toMatchObject([{ state: 'failed', error: { code: 'invalid_input' } }]);
    await expectResults(partly);
  });

  test('an event that was not taken is posted again, and signed with the same secret', async () => {
    const { id } = jobOf('partly');
    await until('both ends to be told', async () => (received.length >= 2 ? true : null));
    const webhook = new Webhook(fixture.webhook.secret);
    for (const { headers, body } of received) {
      const event = webhook.verify(body, headers as Record<string, string>);
      expect(event).toMatchObject({ type: 'job.completed', data: { job: id } });
    }
    const attempts = await until('both ends to be noted', async () => {
      const { data } = await get<{ data: Delivery[] }>(`/jobs/${id}/deliveries`);
      return data.every(({ state }) => state === 'delivered')
        ? data.map((one) => one.attempts.map(({ status }) => status))
        : null;
    });
    expect(attempts.sort()).toEqual([[204], [500, 204]]);
  });

  test('an open dataset takes the rest of what was begun, and is closed', async () => {
    const { id, upload } = fixture.open;
    const archive = Buffer.from(fixture.open.archive, 'base64');
    const path = `/datasets/${id}/archives/${upload}`;
    const { offset } = await get<{ offset: number }>(path);
    expect(offset).toBe(archive.length >> 1);
    const type = 'application/offset+octet-stream';
    const sent = await call(path, {
      method: 'PATCH',
      body: new Uint8Array(archive.subarray(offset)),
      headers: { 'content-type': type, 'upload-offset': String(offset) },
    });
    expect(sent.status).toBe(204);
    expect(await post(`/datasets/${id}/close`)).toBe(202);
    await until('the dataset to be ready', async () =>
      (await get<Dataset>(`/datasets/${id}`)).state === 'ready' ? true : null,
    );
    const { data } = await get<{ data: { name: string; label?: string }[] }>(
      `/datasets/${id}/images`,
    );
    expect(data.map(({ name, label }) => [name, label])).toEqual([
      ['kind 2/photo-0.png', 'kind 2'],
      ['kind 2/photo-1.png', 'kind 2'],
      ['listed.png', undefined],
      ['photo-6.png', undefined],
      ['photo-7.png', undefined],
    ]);
  });

  test('the same work is taken from what the older version has computed', async () => {
    const { webhook, ...request } = fixture.idempotency.request;
    // Every file was stored then.
    const whole = await submit({ ...request, outputs: allOutputs });
    const { id } = (await whole.json()) as JobStatus;
    expect(await untilEnd(id)).toMatchObject({ state: 'completed', error: null });
    await expectResults({ ...jobOf('completed'), id });
    for (const image of Object.keys(jobOf('completed').images)) {
      const bytes = await bytesOf(`/jobs/${id}/images/${image}/result.json`);
      expect(JSON.parse(bytes.toString()), image).toMatchObject({ reused: true });
    }
  });

  test('what was kept for an hour is deleted', async () => {
    const { id } = jobOf('explained');
    await until('its job to be gone', async () =>
      (await call(`/jobs/${id}`)).status === 404 ? true : null,
    );
  });

  test('nothing is left to be resumed', async () => {
    const unfinished: string[] = [];
    for (const prefix of ['active/', 'ingests/', 'webhooks/']) {
      for await (const { key } of service.store.list(prefix)) unfinished.push(key);
    }
    for await (const { key } of service.store.list(storeKeys.jobs(tenant))) {
      if (key.includes('/shards/')) unfinished.push(key);
    }
    expect(unfinished).toEqual([]);
  });
});
