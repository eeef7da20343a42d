import { defaultTenant } from '@umbra/platform/store/keys';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
} from '../support/service.js';

let service: TestService;
let admin: string;

const makeKey = async (scope: 'submit' | 'admin', tenant: string) =>
  (await createApiKey(service.store, { tenant, name: 'test', scopes: [scope] })).text;
const basic = (key: string) => `Basic ${Buffer.from(`umbra:${key}`).toString('base64')}`;
const get = (path: string, authorization?: string) =>
  fetch(`${service.url}${path}`, { headers: authorization ? { authorization } : {} });

beforeAll(async () => {
  service = await startService({ UMBRA_BULL_BOARD: '1' });
  admin = await makeKey('admin', defaultTenant);
});
afterAll(() => service.close());

describe('bull-board', () => {
  test('asks browsers for a key, and lets none in without one', async () => {
    const refused = await get('/admin/queues');
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect((await get('/admin/queues/api/queues')).status).toBe(401);
    expect((await get('/admin/queues', basic('umb_no_key'))).status).toBe(401);
    expect((await get('/admin/queues', 'Basic')).status).toBe(401);
  });

  test('is for operators: neither for other scopes nor for other tenants', async () => {
    const submit = await makeKey('submit', defaultTenant);
    const foreign = await makeKey('admin', 'another');
    expect((await get('/admin/queues', basic(submit))).status).toBe(403);
    expect((await get('/admin/queues', `Bearer ${foreign}`)).status).toBe(403);
  });

  test('opens with a session of such a key, and with no other', async () => {
    const service = await startService({ UMBRA_BULL_BOARD: '1', UMBRA_AUTH: 'keys' });
    try {
      const statusFor = async (scope: 'submit' | 'admin', tenant: string) => {
        const asked = { tenant, scopes: [scope] };
        const { text } = await createApiKey(service.store, asked);
        const headers = { authorization: `Bearer ${text}` };
        const answer = await fetch(`${service.url}/v1/session`, { method: 'POST', headers });
        const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
        return (await fetch(`${service.url}/admin/queues`, { headers: { cookie } })).status;
      };
      expect(await statusFor('admin', defaultTenant)).toBe(200);
      expect(await statusFor('submit', defaultTenant)).toBe(403);
      expect(await statusFor('admin', 'another')).toBe(403);
      const cookie = `umbra_session=${'a'.repeat(43)}`;
      const refused = await fetch(`${service.url}/admin/queues`, { headers: { cookie } });
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toMatch(/^Basic /);
    } finally {
      await service.close();
    }
  });

  test('serves its page and all that the page loads from here', async () => {
    const page = await get('/admin/queues', basic(admin));
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(page.headers.get('x-powered-by')).toBeNull();
    const html = await page.text();
    const scripts = [...html.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, path]) => path);
    expect(scripts.length).toBeGreaterThan(2);
    for (const path of scripts) {
      expect((await get(`/admin/queues/${path}`, `Bearer ${admin}`)).status).toBe(200);
    }
  });

  test('tells what is queued, and changes nothing', async () => {
    const dataset = await uploadPhotos(service.url, await makePhotos(1));
    await submitJob(service.url, { dataset, model: 'tiny', settings: { patch: 8, stride: 4 } });
    const answer = await get('/admin/queues/api/queues', basic(admin));
    const { queues } = (await answer.json()) as {
      queues: { name: string; readOnlyMode: boolean; counts: Record<string, number> }[];
    };
    expect(queues.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['dispatch', 'shard', 'merge', 'archive']),
    );
    expect(queues.every(({ readOnlyMode }) => readOnlyMode)).toBe(true);
    expect(queues.find(({ name }) => name === 'dispatch')?.counts.waiting).toBe(1);
    const emptied = await fetch(`${service.url}/admin/queues/api/queues/dispatch/empty`, {
      method: 'PUT',
      headers: { authorization: basic(admin) },
    });
    expect(emptied.status).toBeGreaterThanOrEqual(400);
  });
});

test('without the setting there is no such page', async () => {
  const plain = await startService();
  try {
    expect((await fetch(`${plain.url}/admin/queues`)).status).toBe(404);
  } finally {
    await plain.close();
  }
});
