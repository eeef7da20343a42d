import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { downloadFile } from './files.js';
import { createUmbraClient, followEvents, type Job, readEvents, UmbraError } from './index.js';

let server: Server | undefined;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-client-'));
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A service that fails as real ones do, only when it is told to. */
async function serve(answer: RequestListener) {
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return createUmbraClient({ baseUrl: `http://127.0.0.1:${port}/`, apiKey: 'a-key' });
}

describe('requests', () => {
  test('have the key, and throw problems with their code', async () => {
    const asked: (string | undefined)[] = [];
    const client = await serve((request, response) => {
      asked.push(request.url, request.headers.authorization);
      response.writeHead(429, { 'retry-after': '7' });
      response.end(JSON.stringify({ code: 'rate_limited', detail: 'Too many', status: 429 }));
    });
    const error = await client.getJob('job_1').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UmbraError);
    expect(error).toMatchObject({
      ...{ code: 'rate_limited', message: 'Too many', status: 429, retryAfterSeconds: 7 },
    });
    expect(asked).toEqual(['/v1/jobs/job_1', 'Bearer a-key']);
  });

  test('say where nobody answers, and survive answers that are no problems', async () => {
    const away = createUmbraClient({ baseUrl: 'http://127.0.0.1:1' });
    await expect(away.getJob('job_1')).rejects.toMatchObject({
      ...{ code: 'unavailable', status: null },
      message: "Expected Umbra's API at http://127.0.0.1:1, got no answer",
    });
    const proxy = await serve((_request, response) => response.writeHead(502).end('<h1>Bad</h1>'));
    await expect(proxy.getJob('job_1')).rejects.toMatchObject({ code: 'internal', status: 502 });
  });
});

describe('a report', () => {
  test('is asked for with what is wished, and waited for until it is made or cannot be', async () => {
    const states = ['queued', 'running', 'failed'];
    const asked: unknown[] = [];
    const client = await serve(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      asked.push([request.method, request.url, body]);
      // What passes is waited out.
      if (asked.length === 3) return response.writeHead(503, { 'retry-after': '0' }).end();
      const state = request.method === 'POST' ? 'queued' : states.shift();
      response.writeHead(request.method === 'POST' ? 202 : 200).end(JSON.stringify({ state }));
    });
    expect(await client.requestReport('job_1', { patches: 9 })).toEqual({ state: 'queued' });
    const told: string[] = [];
    const onStatus = ({ state }: { readonly state: string }) => told.push(state);
    const status = await client.waitForReport('job_1', { pollMs: 1, onStatus });
    expect(status.state).toBe('failed');
    expect(told).toEqual(['queued', 'running', 'failed']);
    expect(asked[0]).toEqual(['POST', '/v1/jobs/job_1/report', '{"patches":9}']);
    expect(asked).toHaveLength(5);
  });

  test('is waited for no longer than the caller wants', async () => {
    const client = await serve((_request, response) => response.end('{"state":"running"}'));
    const signal = AbortSignal.timeout(20);
    const waiting = client.waitForReport('job_1', { pollMs: 60_000, signal });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('has trials, which are listed, waited for and cancelled', async () => {
    const asked: unknown[] = [];
    const client = await serve((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const trial = { id: 'trial_1', state: 'cancelled' };
      response.end(JSON.stringify(request.url?.endsWith('/trials') ? { data: [trial] } : trial));
    });
    expect(await client.listTrials('job_1')).toHaveLength(1);
    expect(await client.waitForTrial('job_1', 'trial_1')).toMatchObject({ state: 'cancelled' });
    expect(await client.cancelTrial('job_1', 'trial_1')).toMatchObject({ id: 'trial_1' });
    expect(asked).toEqual([
      'GET /v1/jobs/job_1/trials',
      'GET /v1/jobs/job_1/trials/trial_1',
      'DELETE /v1/jobs/job_1/trials/trial_1',
    ]);
  });
});

describe('a session', () => {
  test('is made of the key that logs in, and of no other', async () => {
    const asked: unknown[] = [];
    const client = await serve((request, response) => {
      asked.push([request.method, request.url, request.headers.authorization]);
      if (request.method === 'DELETE') return response.writeHead(204).end();
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ tenant: 'acme' }));
    });
    expect(await client.logIn('another-key')).toEqual({ tenant: 'acme' });
    expect(await client.whoAmI()).toEqual({ tenant: 'acme' });
    expect(await client.logOut()).toBeUndefined();
    expect(asked).toEqual([
      ['POST', '/v1/session', 'Bearer another-key'],
      ['GET', '/v1/session', 'Bearer a-key'],
      ['DELETE', '/v1/session', 'Bearer a-key'],
    ]);
  });

  test('is sent as the caller asks for', async () => {
    const sent: string[] = [];
    const send = async ({ credentials }: Request) => {
      sent.push(credentials);
      return Response.json({});
    };
    const baseUrl = 'http://127.0.0.1:1';
    for (const client of [
      createUmbraClient({ baseUrl, fetch: send }),
      createUmbraClient({ baseUrl, fetch: send, credentials: 'include' }),
    ]) {
      await client.getJob('job_1');
      await client.request('/v1/jobs');
    }
    await createUmbraClient({ baseUrl, fetch: send }).request('/', { credentials: 'omit' });
    expect(sent).toEqual(['same-origin', 'same-origin', 'include', 'include', 'omit']);
  });
});

describe('waiting for a job', () => {
  test('outlasts a service that cannot answer for a while', async () => {
    const states: (Job['state'] | null)[] = ['queued', null, 'in_progress', null, 'cancelled'];
    const client = await serve((_request, response) => {
      const state = states.shift();
      response.writeHead(state === null ? 503 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ state }));
    });
    const seen: string[] = [];
    const onStatus = ({ state }: Job) => seen.push(state);
    const job = await client.waitForJob('job_1', { pollMs: 1, onStatus });
    expect(job.state).toBe('cancelled');
    expect(seen).toEqual(['queued', 'in_progress', 'cancelled']);
  });

  test('ends at once where asking again does not help', async () => {
    let asked = 0;
    const client = await serve((_request, response) => {
      asked += 1;
      response.writeHead(404).end(JSON.stringify({ code: 'not_found' }));
    });
    await expect(client.waitForJob('job_1', { pollMs: 1 })).rejects.toMatchObject({ status: 404 });
    expect(asked).toBe(1);
  });
});

describe('a download', () => {
  const whole = Buffer.from(Array.from({ length: 3 * 65_536 }, (_, at) => at % 251));

  /** Cuts every answer but the last after a third of the file. */
  const cutting =
    (versions: readonly string[], ranges: (string | undefined)[]): RequestListener =>
    (request, response) => {
      const etag = versions[ranges.length] ?? '"last"';
      ranges.push(request.headers.range);
      const isSame = request.headers['if-range'] === etag;
      const start = isSame ? Number(/\d+/.exec(request.headers.range ?? '')?.[0]) : 0;
      response.writeHead(isSame ? 206 : 200, { etag, 'content-length': whole.length - start });
      if (ranges.length === versions.length) return response.end(whole.subarray(start));
      response.write(whole.subarray(start, start + 65_536));
      // Not before it has arrived: what is under way may be lost.
      const arrived = setInterval(async () => {
        const part = await stat(join(folder, 'file.part')).catch(() => null);
        if (part === null || part.size < start + 65_536) return;
        clearInterval(arrived);
        response.destroy();
      }, 5);
    };

  test('goes on where it broke off', async () => {
    const ranges: (string | undefined)[] = [];
    const client = await serve(cutting(['"a"', '"a"', '"a"'], ranges));
    await downloadFile(client, '/file', join(folder, 'file'));
    expect(await readFile(join(folder, 'file'))).toEqual(whole);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1).every((range) => Number(/\d+/.exec(range ?? '')?.[0]) > 0)).toBe(true);
    expect(await readdir(folder)).toEqual(['file']);
  });

  test.each([
    ['"last"', 'bytes=65536-'],
    ['"older"', 'bytes=65536-'],
  ])('goes on with a part of version %s that an earlier process left', async (etag, range) => {
    const ranges: (string | undefined)[] = [];
    const client = await serve(cutting(['"last"'], ranges));
    const path = join(folder, 'file');
    await writeFile(`${path}.part`, whole.subarray(0, 65_536));
    const told: number[] = [];
    await downloadFile(client, '/v1/file', path, { etag, onBytes: (bytes) => told.push(bytes) });
    // Of another version the service sends all.
    expect(ranges).toEqual([range]);
    expect(told.at(-1)).toBe(whole.length);
    expect((await readFile(path)).equals(whole)).toBe(true);
  });

  test('begins anew where as much was left as there is', async () => {
    const client = await serve((request, response) => {
      if (request.headers.range === undefined) return response.writeHead(200).end(whole);
      return response.writeHead(416).end(JSON.stringify({ code: 'range_not_satisfiable' }));
    });
    await writeFile(join(folder, 'file.part'), Buffer.alloc(whole.length));
    await downloadFile(client, '/file', join(folder, 'file'), { etag: '"a"' });
    expect(await readFile(join(folder, 'file'))).toEqual(whole);
  });

  test('begins anew where there is another version', async () => {
    const client = await serve(cutting(['"a"', '"b"'], []));
    await downloadFile(client, '/file', join(folder, 'file'));
    expect(await readFile(join(folder, 'file'))).toEqual(whole);
  });
});

describe('events', () => {
  const stream = (...chunks: string[]) =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
        controller.close();
      },
    });
  const all = async (source: AsyncIterable<unknown>) => {
    const found = [];
    for await (const one of source) found.push(one);
    return found;
  };

  test('are read whatever the chunks, the line ends and the comments', async () => {
    const text =
      ': hello\r\nid: 1\r\nevent: state\r\ndata: a\r\ndata: b\r\n\r\nretry: 5\ndata:c\n\n';
    const events = [
      { id: '1', event: 'state', data: 'a\nb' },
      { id: '1', event: 'message', data: 'c' },
    ];
    expect(await all(readEvents(stream(text)))).toEqual(events);
    expect(await all(readEvents(stream(...text)))).toEqual(events);
    expect(await all(readEvents(stream('data: cut off')))).toEqual([]);
  });

  test.each([
    ['a line', (part: string) => part],
    ['an event', (part: string) => `data: ${part}\n`],
  ])('of %s without an end are refused before they fill the memory', async (_, write) => {
    let sent = 0;
    let isCancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        controller.enqueue(new TextEncoder().encode(write('x'.repeat(65_536))));
      },
      cancel() {
        isCancelled = true;
      },
    });
    await expect(all(readEvents(endless))).rejects.toMatchObject({ code: 'internal' });
    expect(sent).toBeLessThan(20);
    expect(isCancelled).toBe(true);
  });

  test('end the connection when nobody reads on', async () => {
    const closed: Promise<unknown>[] = [];
    const client = await serve((_request, response) => {
      closed.push(new Promise<void>((resolve) => response.once('close', resolve)));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('id: 1\ndata: x\n\n');
    });
    for await (const { id } of followEvents(client, '/events')) {
      expect(id).toBe('1');
      break;
    }
    expect(closed).toHaveLength(1);
    await closed[0];
  });

  test('end while they wait to connect again, once the caller says so', async () => {
    const client = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('id: 1\ndata: x\n\n');
    });
    const controller = new AbortController();
    const { signal } = controller;
    const read = async () => {
      // The stream ends after this event, and a pause of a second begins.
      for await (const _ of followEvents(client, '/events', { signal })) {
        setTimeout(() => controller.abort(new Error('enough')), 50);
      }
    };
    await expect(read()).rejects.toThrow('enough');
  });

  test('go on after the last one, and end when there are no more', async () => {
    const asked: unknown[] = [];
    const client = await serve((request, response) => {
      asked.push(request.headers['last-event-id']);
      if (asked.length > 2) return response.writeHead(204).end();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`id: ${asked.length}\ndata: x\n\n`);
    });
    const events = await all(followEvents(client, '/events', { lastEventId: '0' }));
    expect(events).toMatchObject([{ id: '1' }, { id: '2' }]);
    expect(asked).toEqual(['0', '1', '2']);
  });

  test('go on as soon as the service says, and wait where it has no place for the moment', async () => {
    const asked: unknown[] = [];
    const client = await serve((request, response) => {
      asked.push(request.headers['last-event-id']);
      if (asked.length > 9) return response.writeHead(204).end();
      // No place, a restart, and what stands before it meanwhile.
      if (asked.length === 3) return response.writeHead(503, { 'retry-after': '0' }).end();
      if (asked.length === 6) return response.destroy();
      if (asked.length === 9) return response.writeHead(502).end();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`retry: 10\n\nid: ${asked.length}\ndata: x\n\n`);
    });
    const before = performance.now();
    const events = await all(followEvents(client, '/events'));
    expect(events).toMatchObject(['1', '2', '4', '5', '7', '8'].map((id) => ({ id })));
    expect(asked).toEqual([undefined, '1', '2', '2', '4', '5', '5', '7', '8', '8']);
    // Three refusals take a second each; six ends of streams would take another six.
    expect(performance.now() - before).toBeLessThan(6_000);
  });

  test('throw where they are refused at first, or for good', async () => {
    let asked = 0;
    const refusing = await serve((_request, response) => {
      asked += 1;
      response.writeHead(503).end();
    });
    await expect(all(followEvents(refusing, '/events'))).rejects.toMatchObject({ status: 503 });
    expect(asked).toBe(1);
  });

  test('keep their place where a stream begins with one that has none', async () => {
    const asked: unknown[] = [];
    const streams = ['id: 1\ndata: x\n\n', 'event: band\ndata: y\n\n'];
    const client = await serve((request, response) => {
      asked.push(request.headers['last-event-id']);
      const stream = streams[asked.length - 1];
      if (stream === undefined) return response.writeHead(204).end();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(stream);
    });
    const events = await all(followEvents(client, '/events'));
    expect(events).toMatchObject([{ id: '1' }, { id: '', event: 'band' }]);
    expect(asked).toEqual([undefined, '1', '1']);
  });
});
