import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { keys as places } from '@umbra/platform/store/keys';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { formOf } from '../support/datasets.js';
import { until } from '../support/job-fixture.js';
import { readMetrics } from '../support/read-metrics.js';
import { makePhotos, startService, type TestService } from '../support/service.js';
import { makeTar } from '../support/tar.js';
import { makeZip, shareBytes } from '../support/zip.js';

/** Clients that leave, stall or come in crowds, over sockets of their own. */
let service: TestService;
let tight: TestService;
let photos: { name: string; bytes: Buffer }[];
const keys = new Map<string, string>();
const sockets: Socket[] = [];

beforeAll(async () => {
  const common = { UMBRA_AUTH: 'keys', UMBRA_METRICS_PORT: '0' };
  service = await startService({ ...common, UMBRA_BODY_IDLE_MS: '2000' });
  tight = await startService({
    ...common,
    UMBRA_MAX_CONCURRENT_UPLOADS: '1',
    UMBRA_MAX_WAITING: '4',
    UMBRA_STALLED_MS: '300',
  });
  for (const [one, tenant] of [
    [service, 'slow'],
    [service, 'prompt'],
    [tight, 'slow'],
    [tight, 'prompt'],
  ] as const) {
    const { text } = await createApiKey(one.store, { tenant, scopes: ['submit'] });
    keys.set(`${one.url} ${tenant}`, text);
  }
  photos = await makePhotos(2);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await untilTurns(service, 0, 0);
  await untilTurns(tight, 0, 0);
});
afterAll(async () => {
  await service.close();
  await tight.close();
});

const keyOf = (one: TestService, tenant: string) => keys.get(`${one.url} ${tenant}`) ?? '';

const photo = (): Buffer => photos[0]?.bytes ?? Buffer.alloc(0);

type Heard = { readonly socket: Socket; text(): string };

/** Begin a request of 100,000 bytes, of which some are sent. */
function begin(one: TestService, tenant: string, path = '/v1/datasets', type = 'application/zip') {
  const { hostname, port } = new URL(one.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.on('error', () => undefined);
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    `Authorization: Bearer ${keyOf(one, tenant)}`,
    `Content-Type: ${type}`,
    'Content-Length: 100000',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n{"a`);
  return { socket, text: () => text } satisfies Heard;
}

const post = (
  one: TestService,
  tenant: string,
  type: string | null,
  body: FormData | Uint8Array<ArrayBuffer> | string,
) =>
  fetch(`${one.url}/v1/datasets`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${keyOf(one, tenant)}`,
      ...(type === null ? {} : { 'content-type': type }),
    },
    body,
  });

async function get(one: TestService, tenant: string, path: string) {
  const headers = { authorization: `Bearer ${keyOf(one, tenant)}` };
  const response = await fetch(`${one.url}${path}`, { headers });
  return { status: response.status, text: await response.text() };
}

async function uploadsOf(one: TestService): Promise<(number | undefined)[]> {
  const reading = await readMetrics(one.metricsUrl);
  return ['held', 'waiting'].map((state) =>
    reading.get(`umbra_turns{thing="uploads",state="${state}"}`),
  );
}

const untilTurns = (one: TestService, held: number, waiting: number) =>
  until(`${held} uploads to be held and ${waiting} to wait`, async () => {
    const [nowHeld, nowWaiting] = await uploadsOf(one);
    return nowHeld === held && nowWaiting === waiting ? true : null;
  });

describe('uploads', () => {
  test('go on after clients that left while theirs waited', async () => {
    const first = begin(tight, 'slow');
    await untilTurns(tight, 1, 0);
    const others = [1, 2, 3, 4].map(() => begin(tight, 'slow'));
    await untilTurns(tight, 1, 4);
    for (const { socket } of others) socket.destroy();
    await untilTurns(tight, 1, 0);
    first.socket.destroy();
    await untilTurns(tight, 0, 0);
    expect((await post(tight, 'slow', null, formOf(photos))).status).toBe(201);
  });

  test('of one tenant that are slow leave a place to another', async () => {
    for (let index = 0; index < 4; index++) begin(service, 'slow');
    await untilTurns(service, 3, 1);
    const startedAt = performance.now();
    expect((await post(service, 'prompt', null, formOf(photos))).status).toBe(201);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });

  test('that wait for a place are not slow, however long they wait', async () => {
    const lines = ['/v1/datasets', 'application/jsonl'] as const;
    const holders = [1, 2, 3].map(() => begin(service, 'slow', ...lines));
    const timer = setInterval(() => {
      for (const { socket } of holders) socket.write(Buffer.alloc(500));
    }, 200);
    await untilTurns(service, 3, 0);
    const waits = post(service, 'slow', lines[1], '{}\n'.repeat(100_000));
    await untilTurns(service, 3, 1);
    await sleep(4_500);
    expect(await uploadsOf(service)).toEqual([3, 1]);
    clearInterval(timer);
    for (const { socket } of holders) socket.destroy();
    expect((await waits).status).toBe(202);
  });

  test('beyond the queue are refused at once, and told when to ask again', async () => {
    begin(tight, 'slow');
    await untilTurns(tight, 1, 0);
    for (let index = 0; index < 4; index++) begin(tight, 'slow');
    await untilTurns(tight, 1, 4);
    const refused = await post(tight, 'slow', null, formOf(photos));
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({
      code: 'unavailable',
      detail: expect.stringContaining('uploads'),
    });
  });

  test('that wait while none moves make the process unready, until one does', async () => {
    const ready = async () => (await fetch(`${tight.url}/readyz`)).status;
    const first = begin(tight, 'slow');
    await untilTurns(tight, 1, 0);
    await sleep(1_500);
    expect(await ready()).toBe(200);
    const second = begin(tight, 'prompt');
    await until('the process to be unready', async () => ((await ready()) === 503 ? true : null));
    expect((await fetch(`${tight.url}/healthz`)).status).toBe(200);
    first.socket.destroy();
    await until('the process to be ready', async () => ((await ready()) === 200 ? true : null));
    second.socket.destroy();
  });
});

describe('a body', () => {
  test.each([
    ['an archive', '/v1/datasets', 'application/zip'],
    ['a form', '/v1/datasets', 'multipart/form-data; boundary=b'],
    ['lines', '/v1/datasets', 'application/jsonl'],
    ['an image', '/v1/explain?model=tiny', 'image/png'],
    ['a form of one image', '/v1/explain?model=tiny', 'multipart/form-data; boundary=b'],
    ['JSON', '/v1/jobs', 'application/json'],
  ])('of %s that stops ends, and its turn with it', async (_, path, type) => {
    const startedAt = performance.now();
    const { socket, text } = begin(service, 'slow', path, type);
    await new Promise((resolve) => socket.once('close', resolve));
    const seconds = (performance.now() - startedAt) / 1000;
    expect(seconds).toBeGreaterThan(1.9);
    expect(seconds).toBeLessThan(10);
    // Express reads JSON to its end, and only its connection can be closed.
    if (type !== 'application/json') {
      expect(text()).toMatch(/^HTTP\/1\.1 408 /);
      expect(text()).toContain('Expected a body of at least 1024 bytes a second');
    }
    await untilTurns(service, 0, 0);
  });

  test('that takes too long to be received and unpacked ends', async () => {
    const hasty = await startService({ UMBRA_MAX_UNPACK_SECONDS: '1' });
    const { socket, text } = begin(hasty, 'any', '/v1/datasets', 'multipart/form-data; boundary=b');
    const timer = setInterval(() => socket.write(Buffer.alloc(1_000)), 100);
    await until('an answer', async () => (text() === '' ? null : true));
    clearInterval(timer);
    expect(text()).toMatch(/^HTTP\/1\.1 504 /);
    expect(text()).toContain('Expected an upload that is received and unpacked within 1 s');
    socket.destroy();
    await hasty.close();
  });

  test('that trickles ends, and one that goes on is read', async () => {
    const manifest = ['/v1/datasets', 'application/jsonl'] as const;
    const trickle = begin(service, 'slow', ...manifest);
    const steady = begin(service, 'prompt', ...manifest);
    const timer = setInterval(() => {
      trickle.socket.write('x');
      steady.socket.write(Buffer.alloc(500));
    }, 200);
    await new Promise((resolve) => trickle.socket.once('close', resolve));
    expect(trickle.text()).toMatch(/^HTTP\/1\.1 408 /);
    await sleep(2_500);
    clearInterval(timer);
    expect(steady.text()).toBe('');
  });
});

describe('an answer', () => {
  test('that its client does not take ends, and its turn with it', async () => {
    const created = await post(service, 'slow', null, formOf(photos));
    const { id: dataset } = (await created.json()) as { id: string };
    // As if a million files had been refused.
    const name = 'x'.repeat(1_000);
    const line = `${JSON.stringify({ name, error: { code: 'invalid_input', message: name } })}\n`;
    await service.store.put(places.refusals('slow', dataset), line.repeat(30_000));
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.write(
      `GET /v1/datasets/${dataset}/refusals HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${keyOf(service, 'slow')}\r\n\r\n`,
    );
    const held = async () =>
      (await readMetrics(service.metricsUrl)).get('umbra_turns{thing="downloads",state="held"}');
    await until('the download to begin', async () => ((await held()) === 1 ? true : null));
    const startedAt = performance.now();
    await until('the download to end', async () => ((await held()) === 0 ? true : null));
    expect(performance.now() - startedAt).toBeGreaterThan(1_000);
    socket.resume();
    await closed;
    const { text } = await get(service, 'slow', `/v1/datasets/${dataset}/refusals`);
    expect(text).toHaveLength(line.length * 30_000);
  });
});

describe('an unfinished form', () => {
  const endings = [
    ['', 'an empty body'],
    ['--b', 'a boundary'],
    ['--b\r\nContent-Dispo', 'a header'],
    ...['a.png', 'a.zip', 'a.tar', 'a.tar.gz'].map((name) => [
      `--b\r\nContent-Disposition: form-data; name="a"; filename="${name}"\r\n\r\nhalf of`,
      name,
    ]),
    ...['a.png', 'a.zip'].map((name) => [
      `--b\r\nContent-Disposition: form-data; name="a"; filename="${name}"\r\n\r\n${'a'.repeat(300_000)}`,
      `a large ${name}`,
    ]),
    ['--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nhalf of', 'a field'],
  ];
  const cases = ['/v1/datasets', '/v1/explain?model=tiny'].flatMap((path) =>
    endings.map(([form = '', where = '']) => [where, path, form] as const),
  );
  test.each(cases)('that ends in %s is refused at %s', async (_, path, form) => {
    const response = await fetch(`${service.url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${keyOf(service, 'prompt')}`,
        'content-type': 'multipart/form-data; boundary=b',
      },
      body: form,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: expect.stringMatching(/^Expected /) });
  });
});

describe('an archive', () => {
  test('of entries that share bytes is refused within a second', async () => {
    const big = Buffer.alloc(8 * 1024 * 1024);
    const zip = shareBytes(await makeZip({ 'a.png': big }), 1_000);
    expect(zip.length).toBeLessThan(131_000);
    const startedAt = performance.now();
    const response = await post(service, 'slow', 'application/zip', new Uint8Array(zip));
    expect(response.status).toBe(413);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    const small = shareBytes(await makeZip({ 'a.png': photo() }), 3);
    const shared = await post(service, 'slow', 'application/zip', new Uint8Array(small));
    expect(await shared.json()).toMatchObject({
      status: 400,
      detail: 'Expected a zip file, got one whose entries share bytes',
    });
  });

  test('that a worker unpacks is held to the same', async () => {
    const worker = await service.startWorker();
    const call = (path: string, init: RequestInit) => {
      const headers = { authorization: `Bearer ${keyOf(service, 'slow')}`, ...init.headers };
      return fetch(`${service.url}/v1/datasets${path}`, { ...init, headers });
    };
    const send = (path: string, body: object) =>
      call(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const idOf = async (response: Response) => ((await response.json()) as { id: string }).id;
    const zip = shareBytes(await makeZip({ 'a.png': photo() }), 3);
    const dataset = await idOf(await send('', {}));
    const begun = await send(`/${dataset}/archives`, { format: 'zip', bytes: zip.length });
    const part = {
      method: 'PATCH',
      headers: { 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
      body: new Uint8Array(zip),
    };
    expect((await call(`/${dataset}/archives/${await idOf(begun)}`, part)).status).toBe(204);
    await send(`/${dataset}/close`, {});
    const failed = await until('the dataset to fail', async () => {
      const { text } = await get(service, 'slow', `/v1/datasets/${dataset}`);
      return text.includes('"failed"') ? (JSON.parse(text) as { error: unknown }) : null;
    });
    expect(failed.error).toEqual({
      code: 'invalid_input',
      message: 'Expected a zip file, got one whose entries share bytes',
    });
    await worker.close();
  });

  test('whose end is followed by zeros is refused', async () => {
    const tar = await makeTar([{ name: 'a.png', bytes: photo() }]);
    const body = gzipSync(Buffer.concat([tar, Buffer.alloc(100 * 1024 * 1024)]));
    expect(body.length).toBeLessThan(131_000);
    const response = await post(service, 'slow', 'application/gzip', new Uint8Array(body));
    expect(response.status).toBe(413);
  });
});
