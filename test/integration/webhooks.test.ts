import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobStatus } from '@umbra/shared/contracts/job';
import type { Delivery } from '@umbra/shared/contracts/webhook';
import { Redis } from 'ioredis';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  makePhotos,
  postJob,
  startService,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

type Received = { readonly headers: IncomingHttpHeaders; readonly body: string };
type Created = JobStatus & { readonly webhookSecret?: string };

let service: TestService;
let dataset: string;
let receiver: Server;
let url: string;
let received: Received[];
let answers: number[];

beforeAll(async () => {
  service = await startService({
    UMBRA_WEBHOOK_ALLOW_PRIVATE: '1',
    UMBRA_WEBHOOK_RETRY_MS: '20',
  });
  dataset = await uploadPhotos(service.url, await makePhotos(2));
  await service.startWorker();
});
afterAll(() => service.close());

beforeEach(async () => {
  received = [];
  answers = [];
  receiver = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    received.push({ headers: request.headers, body });
    const status = answers.shift() ?? 204;
    response.writeHead(status, status === 302 ? { location: `${url}/elsewhere` } : {}).end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
});
afterEach(() => void receiver.close());

const work = (webhook: unknown) => ({
  ...{ dataset, model: 'tiny', settings: { patch: 8, stride: 8 } },
  webhook,
});

async function create(webhook: unknown): Promise<Created> {
  const response = await postJob(service.url, work(webhook));
  expect(response.status).toBe(202);
  return (await response.json()) as Created;
}

const deliveriesOf = async (job: string, method = 'GET', path = '') =>
  fetch(`${service.url}/v1/jobs/${job}/deliveries${path}`, { method });

async function untilDelivery(job: string, state: Delivery['state']): Promise<Delivery> {
  for (;;) {
    const { data } = (await (await deliveriesOf(job)).json()) as { data: Delivery[] };
    if (data[0]?.state === state) return data[0];
    await sleep(20);
  }
}

const verify = (secret: string, { headers, body }: Received) =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

test('the end of a job is signed and posted until the receiver accepts it', async () => {
  answers = [500, 302, 503];
  const { id, webhookSecret = '', webhook } = await create({ url });
  expect(webhookSecret).toMatch(/^whsec_/);
  expect(webhook).toEqual({ url });
  const done = await untilDelivery(id, 'delivered');
  expect(received).toHaveLength(4);
  for (const one of received) {
    expect(verify(webhookSecret, one)).toMatchObject({
      type: 'job.completed',
      data: { job: id, state: 'completed', counts: { total: 2, completed: 2, failed: 0 } },
    });
  }
  expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([done.id]));
  expect(done.attempts.map(({ status }) => status)).toEqual([500, 302, 503, 204]);
  expect(done.attempts.at(-1)).toMatchObject({ error: null });
  expect(() =>
    verify('whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', received[0] as Received),
  ).toThrow();
  // Told once.
  const status = await (await fetch(`${service.url}/v1/jobs/${id}`)).text();
  expect(status).not.toContain('whsec_');
  expect(await (await deliveriesOf(id)).text()).not.toContain('whsec_');
  expect((await deliveriesOf(id, 'POST', '/redeliver')).status).toBe(409);
});

test('a given secret signs the deliveries, and is not returned', async () => {
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const created = await create({ url, secret });
  expect(created.webhookSecret).toBeUndefined();
  await untilDelivery(created.id, 'delivered');
  expect(verify(secret, received[0] as Received)).toMatchObject({ type: 'job.completed' });
});

test('a rotated secret signs beside the one before, for the time that was given', async () => {
  answers = [500, 500, 500, 500];
  const created = await create({ url });
  const { id, webhookSecret: first = '' } = created;
  const rotate = async (body?: object) =>
    fetch(`${service.url}/v1/jobs/${id}/webhook/rotate-secret`, {
      method: 'POST',
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  const rotated = await rotate();
  expect(rotated.status).toBe(200);
  const { webhookSecret: second = '', previousUntil } = (await rotated.json()) as {
    webhookSecret?: string;
    previousUntil: string;
  };
  expect(Date.parse(previousUntil) - Date.now()).toBeGreaterThan(23 * 3_600_000);
  await untilDelivery(id, 'delivered');
  const last = received.at(-1) as Received;
  expect(String(last.headers['webhook-signature']).split(' ')).toHaveLength(2);
  for (const secret of [first, second])
    expect(verify(secret, last)).toMatchObject({ data: { job: id } });
  const own = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
  expect(await (await rotate({ secret: own, graceSeconds: 0 })).json()).not.toHaveProperty(
    'webhookSecret',
  );
  const bad = await rotate({ secret: `whsec_${'A'.repeat(33)}` });
  expect(bad.status).toBe(400);
});

test('only a webhook has a secret that is rotated', async () => {
  const { id } = (await (
    await postJob(service.url, { ...work({ url }), webhook: undefined })
  ).json()) as Created;
  const path = `${service.url}/v1/jobs/${id}/webhook/rotate-secret`;
  expect((await fetch(path, { method: 'POST' })).status).toBe(409);
});

test('a receiver that answers 410 gets no more attempts unless one is requested', async () => {
  answers = [410];
  const { id } = await create({ url });
  const failed = await untilDelivery(id, 'failed');
  expect(failed.attempts.map(({ status }) => status)).toEqual([410]);
  expect((await deliveriesOf(id, 'POST', '/redeliver')).status).toBe(202);
  const taken = await untilDelivery(id, 'delivered');
  expect(taken.attempts.map(({ status }) => status)).toEqual([410, 204]);
  expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([taken.id, taken.id]);
});

test('the end of a cancelled job has its state', async () => {
  const own = await uploadPhotos(service.url, await makePhotos(40));
  const { id } = (await (
    await postJob(service.url, {
      ...{ ...work({ url }), dataset: own, settings: { patch: 8, stride: 1 } },
    })
  ).json()) as Created;
  await fetch(`${service.url}/v1/jobs/${id}/cancel`, { method: 'POST' });
  await waitForJob(service.url, id, ({ state }) => state === 'cancelled');
  await untilDelivery(id, 'delivered');
  expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ type: 'job.cancelled' });
});

test('a pending delivery is posted after Redis was lost', async () => {
  const own = await startService({
    ...{ UMBRA_WEBHOOK_ALLOW_PRIVATE: '1', UMBRA_WEBHOOK_RETRY_MS: '600000' },
    UMBRA_RESUME_MS: '300',
  });
  await own.startWorker();
  const photos = await uploadPhotos(own.url, await makePhotos(1));
  answers = [500];
  const response = await postJob(own.url, { ...work({ url }), dataset: photos });
  const { id } = (await response.json()) as Created;
  const attempts = async () => {
    const found = await fetch(`${own.url}/v1/jobs/${id}/deliveries`);
    return ((await found.json()) as { data: Delivery[] }).data[0]?.attempts.length ?? 0;
  };
  while ((await attempts()) < 1) await sleep(20);
  // The second attempt is ten minutes away, and its entry in the queue is gone.
  const redis = new Redis(own.redis.url);
  await redis.flushall();
  redis.disconnect();
  while ((await attempts()) < 2) await sleep(20);
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  await own.close();
});

test('private addresses are refused, also where a name resolves to them', async () => {
  const closed = await startService({ UMBRA_WEBHOOK_RETRY_MS: '1' });
  const own = await uploadPhotos(closed.url, await makePhotos(1));
  const post = (hook: string) => postJob(closed.url, { ...work({ url: hook }), dataset: own });
  for (const hook of [url, 'http://localhost/', 'http://169.254.169.254/', 'ftp://example.org/']) {
    expect((await post(hook)).status).toBe(400);
  }
  const secret = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
  expect((await postJob(closed.url, { ...work({ url, secret }), dataset: own })).status).toBe(400);
  // The name of this very machine, which stands for an address of its own.
  const named = url.replace('127.0.0.1', 'ip6-localhost');
  const response = await post(named);
  expect(response.status).toBe(202);
  await closed.startWorker();
  const { id } = (await response.json()) as Created;
  await waitForJob(closed.url, id);
  for (;;) {
    const found = await fetch(`${closed.url}/v1/jobs/${id}/deliveries`);
    const [one] = ((await found.json()) as { data: Delivery[] }).data;
    if (one !== undefined && one.attempts.length > 0) {
      expect(one.attempts[0]).toMatchObject({ status: null, error: expect.any(String) });
      break;
    }
    await sleep(20);
  }
  expect(received).toEqual([]);
  await closed.close();
});
