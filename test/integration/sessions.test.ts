import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { startApi } from '@umbra/api';
import { apiConfig } from '@umbra/api/config';
import { readConfig } from '@umbra/platform/config';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import {
  createApiKey,
  type NewApiKey,
  revokeApiKey,
  type Scope,
} from '@umbra/platform/tenancy/api-keys';
import { parseSetCookie } from 'cookie';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawnApi } from '../support/api-process.js';
import { declaredOperations } from '../support/operations.js';
import { makePhotos, startService, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startService({
    UMBRA_AUTH: 'keys',
    UMBRA_BAD_KEYS_PER_MINUTE: '20',
    UMBRA_TRUSTED_PROXIES: '1',
    UMBRA_MAX_LOGINS: '3',
  });
});
afterAll(() => service.close());

/** Another API of the same service, with other settings. */
const startOther = (env: Record<string, string>) =>
  startApi(readConfig(apiConfig, { ...service.env, ...env }));
const makeKey = (scope: Scope = 'submit', more: { tenant?: string; expiresAt?: Date } = {}) =>
  createApiKey(service.store, { tenant: 'acme', scopes: [scope], ...more });

type Asked = Omit<RequestInit, 'headers'> & {
  readonly headers?: Record<string, string>;
  readonly at?: string;
};
const call = (path: string, { at = service.url, ...init }: Asked = {}) =>
  fetch(`${at}${path}`, init);
const logIn = ({ text }: NewApiKey, { at, headers }: Asked = {}) =>
  call('/v1/session', {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${text}` },
    ...(at === undefined ? {} : { at }),
  });
const cookieOf = (response: Response) => parseSetCookie(response.headers.get('set-cookie') ?? '');
const pairOf = (response: Response): string => {
  const { name, value } = cookieOf(response);
  return `${name}=${value}`;
};
const logInAs = async (key: NewApiKey, asked: Asked = {}) => pairOf(await logIn(key, asked));
const statusOf = async (path: string, cookie: string, asked: Asked = {}) =>
  (await call(path, { ...asked, headers: { ...asked.headers, cookie } })).status;
const problemOf = async (response: Response) =>
  [response.status, await response.json()] as [number, { code: string; detail: string }];
const own = { 'sec-fetch-site': 'same-origin' };

describe('logging in', () => {
  test('makes a cookie that scripts cannot read, and tells who is logged in', async () => {
    const key = await makeKey();
    const before = Date.now();
    const response = await logIn(key);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { value = '', maxAge = 0, ...attributes } = cookieOf(response);
    expect(attributes).toEqual({
      ...{ name: 'umbra_session', path: '/', httpOnly: true, sameSite: 'strict' },
    });
    expect(value).toMatch(/^[\w-]{43}$/);
    expect(maxAge).toBeGreaterThan(43_200 - 60);
    expect(maxAge).toBeLessThanOrEqual(43_200);
    const body = (await response.json()) as { endsAt: string };
    const keyPrefix = key.record.prefix;
    expect(body).toMatchObject({
      ...{ tenant: 'acme', scopes: ['submit'], keyPrefix, authentication: 'session' },
    });
    expect(Date.parse(body.endsAt)).toBeGreaterThanOrEqual(before + 43_200_000);
    expect(JSON.stringify(body)).not.toContain(value);
    const asked = await call('/v1/session', { headers: { cookie: `umbra_session=${value}` } });
    expect(await asked.json()).toEqual(body);
    expect(asked.headers.get('cache-control')).toBe('no-store');
    expect(asked.headers.get('set-cookie')).toBeNull();
  });

  test('has a name over https that no other host can plant, and is read by no other', async () => {
    const key = await makeKey();
    const headers = { 'x-forwarded-proto': 'https' };
    const answer = await logIn(key, { headers });
    const { value = '', maxAge: _, ...attributes } = cookieOf(answer);
    expect(attributes).toEqual({
      ...{ name: '__Host-umbra_session', path: '/', httpOnly: true, sameSite: 'strict' },
      secure: true,
    });
    expect(await statusOf('/v1/session', `__Host-umbra_session=${value}`, { headers })).toBe(200);
    expect(await statusOf('/v1/session', `umbra_session=${value}`, { headers })).toBe(401);
    const planted = `umbra_session=${'a'.repeat(43)}; __Host-umbra_session=${value}`;
    expect(await statusOf('/v1/session', planted, { headers })).toBe(200);
    const ending = { ...headers, ...own, cookie: pairOf(answer) };
    const ended = await call('/v1/session', { method: 'DELETE', headers: ending });
    const forgotten = ended.headers.getSetCookie().map((one) => parseSetCookie(one));
    expect(forgotten).toMatchObject([
      { name: 'umbra_session', maxAge: 0, secure: true },
      { name: '__Host-umbra_session', maxAge: 0, secure: true, path: '/' },
    ]);
    expect(await statusOf('/v1/session', pairOf(answer), { headers })).toBe(401);
  });

  test('is told of a key, too', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000);
    const { text, record } = await makeKey('read', { expiresAt });
    const asked = await call('/v1/session', { headers: { authorization: `Bearer ${text}` } });
    expect(await asked.json()).toEqual({
      tenant: 'acme',
      scopes: ['read'],
      authentication: 'key',
      keyPrefix: record.prefix,
      endsAt: expiresAt.toISOString(),
    });
  });

  test('fails with a wrong key, without one, and with a session in its place', async () => {
    const key = await makeKey();
    const cookie = await logInAs(key);
    const wrong = { ...key, text: `${key.text.slice(0, -1)}${key.text.endsWith('a') ? 'b' : 'a'}` };
    const answers = [
      await logIn(wrong),
      await call('/v1/session', { method: 'POST' }),
      await call('/v1/session', { method: 'POST', headers: { ...own, cookie } }),
    ];
    for (const answer of answers) {
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
      expect(await problemOf(answer)).toMatchObject([401, { code: 'unauthorized' }]);
    }
  });

  test('is secure where a trusted proxy says https, and only there', async () => {
    const key = await makeKey();
    const headers = { 'x-forwarded-proto': 'https' };
    expect(cookieOf(await logIn(key, { headers })).secure).toBe(true);
    expect(cookieOf(await logIn(key, { headers: { 'x-forwarded-proto': 'http' } })).secure).toBe(
      undefined,
    );
    const untrusting = await startOther({ UMBRA_TRUSTED_PROXIES: '0' });
    try {
      const answer = await logIn(key, { headers, at: untrusting.url });
      expect([answer.status, cookieOf(answer).secure]).toEqual([200, undefined]);
    } finally {
      await untrusting.close();
    }
  });
});

describe('a session', () => {
  test('opens every operation that its key does, and no other', async () => {
    const [reader, admin] = [await makeKey('read'), await makeKey('admin')];
    const cookies = { read: await logInAs(reader), admin: await logInAs(admin) };
    const operations = (await declaredOperations()).filter(
      ({ id, scope }) => scope !== null && id !== 'logIn',
    );
    expect(operations.length).toBeGreaterThan(30);
    for (const { id, method, path, scope } of operations) {
      const asked = { method: method.toUpperCase(), headers: own };
      const place = path.replaceAll(/\{\w+\}/g, 'x');
      const [mine, readers] = [
        await statusOf(place, cookies.admin, asked),
        await statusOf(place, cookies.read, asked),
      ];
      expect([id, [401, 403].includes(mine)]).toEqual([id, false]);
      expect([id, readers === 403]).toEqual([id, scope !== 'read']);
    }
  });

  test('serves pictures and event streams, which send no header, to its tenant alone', async () => {
    await service.startWorker();
    const [mine, theirs] = [
      await logInAs(await makeKey()),
      await logInAs(await makeKey('admin', { tenant: 'other' })),
    ];
    const form = new FormData();
    for (const { name, bytes } of await makePhotos(1)) {
      form.append('images', new Blob([new Uint8Array(bytes)]), name);
    }
    const headers = { ...own, cookie: mine };
    const uploaded = await call('/v1/datasets', { method: 'POST', body: form, headers });
    expect(uploaded.status).toBe(201);
    const dataset = ((await uploaded.json()) as { id: string }).id;
    const made = await call('/v1/jobs', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ dataset, model: 'tiny', settings: { patch: 16, stride: 16 } }),
    });
    expect(made.status).toBe(202);
    const job = `/v1/jobs/${((await made.json()) as { id: string }).id}`;
    const events = await call(`${job}/events`, { headers: { cookie: mine } });
    expect(events.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(await events.text()).toContain('"state":"completed"');
    const picture = `${job}/images/img_00000000/heatmap.png`;
    const drawn = await call(picture, { headers: { cookie: mine } });
    expect([drawn.status, drawn.headers.get('content-type')]).toEqual([200, 'image/png']);
    for (const path of [job, picture, `${job}/events`, `/v1/datasets/${dataset}`]) {
      expect(await statusOf(path, theirs)).toBe(404);
    }
  });

  test('is the same at every API process', async () => {
    const other = await spawnApi(service.env);
    try {
      const cookie = await logInAs(await makeKey(), { at: other.url });
      expect(await statusOf('/v1/jobs', cookie)).toBe(200);
      await call('/v1/session', { method: 'DELETE', headers: { ...own, cookie } });
      expect(await statusOf('/v1/jobs', cookie, { at: other.url })).toBe(401);
    } finally {
      await other.kill();
    }
  });

  test('yields to a key in the header', async () => {
    const cookie = await logInAs(await makeKey('admin', { tenant: 'other' }));
    const { text } = await makeKey('read');
    const headers = { cookie, authorization: `Bearer ${text}` };
    expect(await (await call('/v1/session', { headers })).json()).toMatchObject({
      ...{ tenant: 'acme', authentication: 'key' },
    });
    const bad = { cookie, authorization: 'Bearer umbra_none' };
    expect((await call('/v1/session', { headers: bad })).status).toBe(401);
    // A proxy's own password is none of ours.
    const basic = { cookie, authorization: 'Basic dXNlcjpwYXNz' };
    expect(await (await call('/v1/session', { headers: basic })).json()).toMatchObject({
      ...{ tenant: 'other', authentication: 'session' },
    });
  });

  test('is ended by logging out, and only that one', async () => {
    const key = await makeKey();
    const [cookie, other] = [await logInAs(key), await logInAs(key)];
    const answer = await call('/v1/session', { method: 'DELETE', headers: { ...own, cookie } });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(cookieOf(answer)).toMatchObject({ name: 'umbra_session', maxAge: 0, path: '/' });
    const after = await call('/v1/jobs', { headers: { cookie } });
    expect(await problemOf(after)).toMatchObject([
      401,
      { code: 'unauthorized', detail: 'This session has ended: log in again' },
    ]);
    expect(await statusOf('/v1/jobs', other)).toBe(200);
    expect(await statusOf('/v1/session', cookie, { method: 'DELETE', headers: own })).toBe(204);
    expect((await call('/v1/session', { method: 'DELETE' })).status).toBe(204);
  });

  test('ends with its key', async () => {
    const key = await makeKey();
    const cookie = await logInAs(key);
    expect(await statusOf('/v1/jobs', cookie)).toBe(200);
    await revokeApiKey(service.store, key.record.prefix);
    await expect.poll(() => statusOf('/v1/jobs', cookie), { timeout: 10_000 }).toBe(401);
    expect((await logIn(key)).status).toBe(401);
  });

  test('is narrowed with its key', async () => {
    const { record, text } = await makeKey('submit');
    const cookie = await logInAs({ record, text });
    const cancel = () => statusOf('/v1/jobs/x/cancel', cookie, { method: 'POST', headers: own });
    expect(await cancel()).toBe(404);
    await putJson(service.store, keys.apiKey(record.prefix), { ...record, scopes: ['read'] });
    await expect.poll(cancel, { timeout: 10_000 }).toBe(403);
    expect(await statusOf('/v1/jobs', cookie)).toBe(200);
  });

  test('ends at its time, and before a key that ends earlier', async () => {
    const brief = await startOther({ UMBRA_LOGIN_SECONDS: '1' });
    try {
      const answer = await logIn(await makeKey(), { at: brief.url });
      expect(cookieOf(answer).maxAge).toBe(1);
      const cookie = pairOf(answer);
      await expect.poll(() => statusOf('/v1/jobs', cookie), { timeout: 10_000 }).toBe(401);
    } finally {
      await brief.close();
    }
    const expiresAt = new Date(Date.now() + 60_000);
    const answer = await logIn(await makeKey('read', { expiresAt }));
    expect(cookieOf(answer).maxAge).toBeLessThanOrEqual(60);
    expect(await answer.json()).toMatchObject({ endsAt: expiresAt.toISOString() });
  });

  test('too many of a key end the oldest', async () => {
    const key = await makeKey();
    const cookies = [];
    for (let index = 0; index < 4; index++) cookies.push(await logInAs(key));
    const statuses = await Promise.all(cookies.map((cookie) => statusOf('/v1/jobs', cookie)));
    expect(statuses).toEqual([401, 200, 200, 200]);
  });

  test('is not kept as its token, which no answer tells', async () => {
    const cookie = await logInAs(await makeKey());
    const token = cookie.slice(cookie.indexOf('=') + 1);
    const redis = new Redis(service.redis.url);
    try {
      const names = await redis.keys('umbra:login:*');
      expect(names.length).toBeGreaterThan(1);
      const kept = await Promise.all(
        names.map((name) =>
          name.includes(':session:') ? redis.get(name) : redis.lrange(name, 0, -1),
        ),
      );
      expect(JSON.stringify([names, kept])).not.toContain(token);
    } finally {
      redis.disconnect();
    }
    for (const path of ['/v1/session', '/v1/nothing', '/v1/jobs?x=1']) {
      const answer = await call(path, { headers: { cookie } });
      expect(await answer.text()).not.toContain(token);
      expect(answer.headers.get('set-cookie')).toBeNull();
    }
  });
});

describe('another site', () => {
  const host = () => new URL(service.url).host;
  const cancel = (cookie: string, headers: Record<string, string>) =>
    call('/v1/jobs/x/cancel', { method: 'POST', headers: { ...headers, cookie } });

  test.each<[string, () => Record<string, string>, boolean]>([
    ['a page of this service', () => own, true],
    ['an address that was typed', () => ({ 'sec-fetch-site': 'none' }), true],
    ['another host of the same site', () => ({ 'sec-fetch-site': 'same-site' }), false],
    ['another site', () => ({ 'sec-fetch-site': 'cross-site' }), false],
    [
      'another site that claims this origin',
      () => ({ 'sec-fetch-site': 'cross-site', origin: `http://${host()}` }),
      false,
    ],
    [
      'a browser without Sec-Fetch-Site, of this origin',
      () => ({ origin: `http://${host()}` }),
      true,
    ],
    ['one of another origin', () => ({ origin: 'https://evil.example' }), false],
    ['one of another port', () => ({ origin: 'http://127.0.0.1:1' }), false],
    ['one of no origin', () => ({ origin: 'null' }), false],
    [
      'one behind a proxy',
      () => ({ origin: 'https://umbra.example', 'x-forwarded-host': 'umbra.example' }),
      true,
    ],
    [
      'one behind a proxy that adds the port',
      () => ({ origin: 'https://umbra.example', 'x-forwarded-host': 'umbra.example:443' }),
      true,
    ],
    ['neither', () => ({}), false],
  ])('changes nothing with the cookie: %s', async (_, headers, isOwn) => {
    const cookie = await logInAs(await makeKey());
    const answer = await cancel(cookie, headers());
    // No job has that name.
    if (isOwn) return expect(answer.status).toBe(404);
    const [status, { code, detail }] = await problemOf(answer);
    expect([status, code]).toEqual([403, 'forbidden']);
    expect(detail).toMatch(/^Expected a request with a session cookie to be of this service's own/);
    // Neither does it log anybody out.
    expect(await statusOf('/v1/session', cookie, { method: 'DELETE', headers: headers() })).toBe(
      403,
    );
    expect(await statusOf('/v1/jobs', cookie, { headers: headers() })).toBe(200);
  });

  test('needs no such proof with a key', async () => {
    const { text } = await makeKey();
    const headers = { authorization: `Bearer ${text}`, 'sec-fetch-site': 'cross-site' };
    const answer = await call('/v1/jobs/x/cancel', { method: 'POST', headers });
    expect(answer.status).toBe(404);
  });
});

describe('guesses', () => {
  const guess = (index: number) => `umbra_session=${String(index).padStart(43, 'a')}`;
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

  test('of session cookies are limited, keys of the same address are not', async () => {
    const address = from('198.51.100.20');
    const cookie = await logInAs(await makeKey(), address);
    expect(await statusOf('/v1/jobs', cookie, address)).toBe(200);
    for (let index = 0; index < 20; index++) {
      expect(await statusOf('/v1/jobs', guess(index), address)).toBe(401);
    }
    const refused = await call('/v1/jobs', {
      headers: { ...address.headers, cookie: guess(20) },
    });
    expect(await problemOf(refused)).toMatchObject([
      429,
      { detail: 'Expected at most 20 bad session cookies a minute from one address' },
    ]);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await statusOf('/v1/jobs', cookie, address)).toBe(200);
    expect((await logIn(await makeKey(), address)).status).toBe(200);
  });

  test('are no pages that ask again and again after their session has ended', async () => {
    const address = from('198.51.100.21');
    const cookie = await logInAs(await makeKey(), address);
    await call('/v1/session', { method: 'DELETE', headers: { ...own, cookie } });
    for (let turn = 0; turn < 30; turn++) {
      expect(await statusOf('/v1/jobs', cookie, address)).toBe(401);
    }
    const again = await logInAs(await makeKey(), address);
    expect(await statusOf('/v1/jobs', again, address)).toBe(200);
  });

  test('of keys are limited at the login as anywhere', async () => {
    const address = from('198.51.100.22');
    const bad = (index: number) =>
      logIn({ text: `umbra_none_${index}` } as NewApiKey, address).then(({ status }) => status);
    for (let index = 0; index < 20; index++) expect(await bad(index)).toBe(401);
    expect(await bad(20)).toBe(429);
  });
});

test('sessions need Redis: emptied, it asks for another login, away, for patience; keys work', async () => {
  const brief = await startService({ UMBRA_AUTH: 'keys' });
  const ask = (headers: Record<string, string>) => call('/v1/models', { at: brief.url, headers });
  try {
    const key = await createApiKey(brief.store, { tenant: 'acme', scopes: ['read'] });
    const lost = await logInAs(key, { at: brief.url });
    const redis = new Redis(brief.redis.url);
    await redis.flushall();
    redis.disconnect();
    expect((await ask({ cookie: lost })).status).toBe(401);
    const cookie = await logInAs(key, { at: brief.url });
    expect((await ask({ cookie })).status).toBe(200);
    await brief.redis.stop();
    const answer = await ask({ cookie });
    expect(await problemOf(answer)).toMatchObject([503, { code: 'unavailable' }]);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await logIn(key, { at: brief.url })).status).toBe(503);
    expect((await ask({ authorization: `Bearer ${key.text}` })).status).toBe(200);
  } finally {
    await brief.close();
  }
});

test('a service that asks for no key changes nothing for pages of other sites', async () => {
  const open = await startService();
  try {
    const { host } = new URL(open.url);
    const cancel = async (headers: Record<string, string>, method = 'POST') =>
      (await call('/v1/jobs/x/cancel', { at: open.url, method, headers })).status;
    // No job has that name.
    for (const headers of [{}, own, { 'sec-fetch-site': 'none' }, { origin: `http://${host}` }]) {
      expect(await cancel(headers)).toBe(404);
    }
    const others: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: `http://${host}` },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ];
    for (const headers of others) {
      expect(await cancel(headers)).toBe(403);
      expect((await call('/v1/jobs', { at: open.url, headers })).status).toBe(200);
    }
    const refused = await call('/v1/session', {
      ...{ at: open.url, method: 'DELETE', headers: { origin: 'https://evil.example' } },
    });
    expect(await problemOf(refused)).toEqual([
      403,
      expect.objectContaining({
        code: 'forbidden',
        detail: `Expected a browser's request that changes something to be of this service's own pages, by Sec-Fetch-Site or by Origin, got Origin 'https://evil.example' where Host is '${host}'`,
      }),
    ]);
  } finally {
    await open.close();
  }
});

test('a service that asks for no key answers to names of this machine alone', async () => {
  const open = await startService();
  try {
    const { port } = new URL(open.url);
    const statusFor = async (host: string, path = '/v1/jobs') => {
      const asking = request(`${open.url}${path}`, { headers: { host } });
      const [response] = (await once(asking.end(), 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    for (const host of ['localhost', `127.0.0.1:${port}`, `[::1]:${port}`, 'umbra.localhost:1']) {
      expect([host, await statusFor(host)]).toEqual([host, 200]);
    }
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '10.0.0.1',
      'localhost.evil.example',
    ]) {
      expect([host, await statusFor(host)]).toEqual([host, 403]);
    }
    expect(await statusFor('evil.example', '/healthz')).toBe(200);
  } finally {
    await open.close();
  }
});

test('a service that asks for no key says so, and makes no cookie', async () => {
  const open = await startService();
  try {
    for (const method of ['GET', 'POST']) {
      const answer = await call('/v1/session', { at: open.url, method });
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(await answer.json()).toEqual({
        tenant: 'default',
        scopes: ['read', 'submit', 'admin'],
        authentication: 'none',
        keyPrefix: null,
        endsAt: null,
      });
    }
  } finally {
    await open.close();
  }
});
