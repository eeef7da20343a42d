import { createApiKey, type Scope } from '@umbra/platform/tenancy/api-keys';
import { at } from '@umbra/shared/assert';
import type { JobReport } from '@umbra/shared/contracts/report';
import { newDatasetId, newJobId } from '@umbra/shared/ids';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DeclaredOperation, declaredOperations } from '../support/operations.js';
import { makePhotos, startService, type TestService } from '../support/service.js';

let service: TestService;
let operations: readonly DeclaredOperation[];
/** Everything that Alice has, to fill the names of paths with. */
let alices: Record<string, string>;
const keys = {} as Record<Scope | 'bob', string>;

async function makeKey(tenant: string, scope: Scope): Promise<string> {
  return (await createApiKey(service.store, { tenant, scopes: [scope] })).text;
}

const call = (path: string, key: string | undefined, init: RequestInit = {}) =>
  fetch(`${service.url}${path}`, {
    ...init,
    headers: { ...init.headers, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
  });
const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

beforeAll(async () => {
  service = await startService({ UMBRA_AUTH: 'keys' });
  await service.startWorker();
  operations = await declaredOperations();
  for (const scope of ['read', 'submit', 'admin'] as const) {
    keys[scope] = await makeKey('alice', scope);
  }
  keys.bob = await makeKey('bob', 'admin');
  alices = await makeBelongings(keys.submit);
});
afterAll(() => service.close());

/** A dataset, and a job that has run, with a report and a trial. */
async function makeBelongings(key: string): Promise<Record<string, string>> {
  const form = new FormData();
  for (const { name, bytes } of await makePhotos(2)) {
    form.append('images', new Blob([new Uint8Array(bytes)]), name);
  }
  const uploaded = await call('/v1/datasets', key, { method: 'POST', body: form });
  expect(uploaded.status).toBe(201);
  const dataset = ((await uploaded.json()) as { id: string }).id;
  const made = await call('/v1/jobs', key, json({ dataset, model: 'tiny' }));
  expect(made.status).toBe(202);
  const job = ((await made.json()) as { id: string }).id;
  await untilCompleted(`/v1/jobs/${job}`, key);
  await call(`/v1/jobs/${job}/report`, key, { method: 'POST' });
  await untilCompleted(`/v1/jobs/${job}/report`, key);
  const report = await (await call(`/v1/jobs/${job}/report.json`, key)).json();
  const { label } = at((report as JobReport).classes, 0).class;
  const region = { top: 0, left: 0, bottom: 0.5, right: 0.5 };
  const of = { kind: 'region', class: label, region };
  const tried = await call(`/v1/jobs/${job}/trials`, key, json({ of }));
  expect(tried.status).toBe(202);
  const image = 'img_00000000';
  return {
    dataset,
    job,
    other: job,
    trial: ((await tried.json()) as { id: string }).id,
    image,
    file: 'heatmap.png',
    model: 'tiny',
    layer: 'conv:0',
  };
}

async function untilCompleted(path: string, key: string): Promise<void> {
  for (let state = ''; state !== 'completed'; ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    state = ((await (await call(path, key)).json()) as { state: string }).state;
    expect(state).not.toBe('failed');
  }
}

/** Where an operation answers nothing without one. */
const queries: Readonly<Record<string, string>> = {
  getReceptiveField: '?layer=conv:0&unit=0,0',
  getActivations: '?layer=conv:0',
  previewGeometry: '?model=tiny',
  previewInput: '?model=tiny',
};

const pathOf = ({ id, path }: DeclaredOperation, names: Record<string, string>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? 'x') + (queries[id] ?? '');

/** A request for an operation that names what it is given, in its path and its body. */
function ask(
  operation: DeclaredOperation,
  key: string | undefined,
  names: Record<string, string>,
): Promise<Response> {
  const { method } = operation;
  const body = { dataset: names.dataset, model: names.model };
  const init = operation.body === undefined ? { method } : { ...json(body), method };
  return call(pathOf(operation, names), key, { ...init, method: method.toUpperCase() });
}

const codeOf = async (response: Response) =>
  ((await response.json().catch(() => ({}))) as { code?: string }).code;

test('operations of every scope are declared', () => {
  expect(operations.length).toBeGreaterThan(15);
  const found = new Set(operations.map(({ scope }) => scope));
  expect(found).toContain('read');
  expect(found).toContain('submit');
  expect(found).toContain(null);
});

test('a request without a key is refused, except for public operations', async () => {
  for (const operation of operations) {
    const response = await ask(operation, undefined, alices);
    if (operation.scope === null) {
      expect([operation.id, response.ok]).toEqual([operation.id, true]);
      continue;
    }
    expect([operation.id, response.status]).toEqual([operation.id, 401]);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /);
    expect(await codeOf(response)).toBe('unauthorized');
  }
});

test.each([
  ['no scheme', (key: string) => key],
  ['another scheme', (key: string) => `Basic ${key}`],
  ['two keys', (key: string) => `Bearer ${key} ${key}`],
  ['a wrong secret', (key: string) => `Bearer ${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`],
  ['a longer one', (key: string) => `Bearer ${key}a`],
  ['no key', () => 'Bearer'],
  ['a key in the query', () => ''],
])('%s does not authenticate', async (_, header) => {
  const path = `/v1/models?key=${keys.read}&access_token=${keys.read}`;
  const authorization = header(keys.read);
  const response = await fetch(`${service.url}${path}`, { headers: { authorization } });
  expect(response.status).toBe(401);
});

test('a key of a lower scope is refused, with the scope that it lacks', async () => {
  const order: Scope[] = ['read', 'submit', 'admin'];
  for (const operation of operations) {
    const asked = order.indexOf(operation.scope ?? 'read');
    for (const scope of order.slice(0, asked)) {
      const response = await ask(operation, keys[scope], alices);
      expect([operation.id, response.status]).toEqual([operation.id, 403]);
      const scheme = response.headers.get('www-authenticate');
      expect(scheme).toContain(`error="insufficient_scope", scope="${operation.scope}"`);
    }
  }
});

describe("another tenant's data", () => {
  const strangers = () => ({
    ...alices,
    ...{ dataset: newDatasetId(), job: newJobId(), other: newJobId() },
  });
  const namesTenants = ({ id, path }: DeclaredOperation) =>
    /\{(job|dataset)\}/.test(path) || id === 'createJob';

  test('is answered 404 by every operation, as what never existed', async () => {
    const tried = operations.filter(namesTenants);
    expect(tried.length).toBeGreaterThan(8);
    for (const operation of tried) {
      const theirs = await ask(operation, keys.bob, alices);
      const nobodys = await ask(operation, keys.bob, strangers());
      expect([operation.id, theirs.status]).toEqual([operation.id, nobodys.status]);
      expect(await codeOf(theirs)).toBe(await codeOf(nobodys));
      expect([400, 404, 415, 422]).toContain(theirs.status);
      if (operation.body === undefined && operation.streams === undefined)
        expect([operation.id, theirs.status]).toEqual([operation.id, 404]);
    }
  });

  test('is in no list', async () => {
    for (const operation of operations) {
      if (operation.method !== 'get' || operation.path.includes('{')) continue;
      const text = await (await ask(operation, keys.bob, alices)).text();
      expect(text).not.toContain(alices.dataset);
      expect(text).not.toContain(alices.job);
    }
  });

  test('is unchanged by these requests', async () => {
    const job = await call(`/v1/jobs/${alices.job}`, keys.read);
    expect(await job.json()).toMatchObject({ state: 'completed', counts: { completed: 2 } });
    expect((await call(`/v1/datasets/${alices.dataset}`, keys.read)).status).toBe(200);
    for (const file of ['archive', 'images/img_00000000/heatmap.png', 'report.json', 'trials']) {
      const response = await call(`/v1/jobs/${alices.job}/${file}`, keys.read);
      expect(response.status).toBe(200);
      await response.arrayBuffer();
    }
  });

  test('includes its idempotency keys', async () => {
    const named = (body: unknown) => {
      const init = json(body);
      return { ...init, headers: { ...init.headers, 'idempotency-key': 'the-same' } };
    };
    const own = { dataset: alices.dataset, model: 'tiny' };
    const first = await call('/v1/jobs', keys.submit, named(own));
    expect(first.status).toBe(202);
    const theirs = await call('/v1/jobs', keys.bob, named(own));
    expect(theirs.status).toBe(404);
  });
});

test('a bad key keeps the connection open, and is refused before a large upload is read', async () => {
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)),
  });
  const init = { method: 'POST', headers: { 'content-type': 'application/zip' }, body: endless };
  const answer = await call('/v1/datasets', 'umbra_none', {
    ...init,
    duplex: 'half',
  } as never).catch(() => null);
  // The connection may break before a client that only writes has read the answer.
  if (answer !== null) expect(answer.status).toBe(401);
  expect((await call('/v1/models', keys.read)).status).toBe(200);
});
