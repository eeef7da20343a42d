import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFsStore } from '../store/fs-store.js';
import { keys } from '../store/keys.js';
import type { ObjectStore } from '../store/store.js';
import {
  listTenants,
  parseTenantId,
  readTenant,
  type TenantRecord,
  writeTenantRecord,
} from './tenant.js';

let folder: string;
let store: ObjectStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-tenant-'));
  store = createFsStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const defaults = {
  quotas: {
    images: 10,
    bytes: null,
    positionsInFlight: 30,
    jobs: 4,
    openDatasets: null,
    streams: 6,
  },
  requestsPerMinute: 60,
};

test('without a record, the defaults hold', async () => {
  expect(await readTenant(store, 'plain', defaults)).toEqual({
    id: 'plain',
    weight: 1,
    ...defaults,
  });
});

test('what is set holds, null included, and the rest is the default', async () => {
  await writeTenantRecord(store, 'acme', {
    version: 1,
    weight: 2.5,
    quotas: { images: null, bytes: 7, openDatasets: 5, streams: null },
    requestsPerMinute: null,
  });
  expect(await readTenant(store, 'acme', defaults)).toEqual({
    id: 'acme',
    weight: 2.5,
    quotas: {
      images: null,
      bytes: 7,
      positionsInFlight: 30,
      jobs: 4,
      openDatasets: 5,
      streams: null,
    },
    requestsPerMinute: null,
  });
});

test.each([
  { weight: 0 },
  { weight: -1 },
  { weight: Number.NaN },
  { quotas: { images: -1 } },
  { quotas: { images: 0.5 } },
  { requestsPerMinute: 0 },
])('%j is refused', async (bad) => {
  const record = { version: 1, weight: 1, quotas: {}, ...bad } as TenantRecord;
  await expect(writeTenantRecord(store, 'bad', record)).rejects.toMatchObject({
    code: 'invalid_input',
  });
});

test.each(['a', '0', 'a-b', 'x'.repeat(40)])('%j is a tenant', (id) => {
  expect(parseTenantId(id)).toBe(id);
});

test.each(['', '-a', 'A', 'a_b', 'a/b', '..', 'x'.repeat(41), 'a\n', 'ä'])('%j is none', (id) => {
  expect(() => parseTenantId(id)).toThrow(/Expected a tenant/);
});

test('tenants are found by what they have', async () => {
  await store.put(keys.dataset('zoo', 'ds_1'), '');
  await store.put('tenants/Not-One/x', '');
  const found = [];
  for await (const id of listTenants(store)) found.push(id);
  expect(found).toEqual(['acme', 'zoo']);
});
