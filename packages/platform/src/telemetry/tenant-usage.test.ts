import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFsStore } from '../store/fs-store.js';
import { createTenantUsage } from './tenant-usage.js';

let folder: string;
let registry: Registry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-usage-'));
  registry = new Registry();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const read = async (name: string) =>
  Object.fromEntries(
    ((await registry.getSingleMetric(name)?.get())?.values ?? []).map(({ labels, value }) => [
      labels.tenant,
      value,
    ]),
  );

test('bytes are counted for the tenant that they are written for, and nobody else', async () => {
  const store = createTenantUsage(registry, 10).measureStored(createFsStore(folder));
  await store.put('tenants/one/jobs/a', Buffer.alloc(7));
  await store.put('tenants/one/jobs/b', 'é');
  await store.putStream('tenants/two/archive', Readable.from([Buffer.alloc(11)]));
  await store.put('models/some', 'bytes');
  expect(await read('umbra_tenant_stored_bytes_total')).toEqual({ one: 9, two: 11 });
});

test('what could not be written is not counted', async () => {
  const store = createTenantUsage(registry, 10).measureStored(createFsStore(folder));
  await expect(store.put('tenants/one/../../out', 'bytes')).rejects.toThrow();
  expect(await read('umbra_tenant_stored_bytes_total')).toEqual({});
});

test('tenants beyond the limit share one label, in all counters together', async () => {
  const usage = createTenantUsage(registry, 2);
  usage.countImage('a', 'completed');
  usage.countPositions('b', 5);
  usage.countPositions('c', 7);
  usage.countPositions('d', 1);
  usage.countPositions('a', 2);
  expect(await read('umbra_tenant_positions_total')).toEqual({ a: 2, b: 5, '(other)': 8 });
});
