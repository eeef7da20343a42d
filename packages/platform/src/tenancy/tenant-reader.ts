import { createLoadingCache } from '@umbra/shared/cache';
import type { ObjectStore } from '../store/store.js';
import { readTenant, type Tenant, type TenantDefaults } from './tenant.js';

/** Reads a tenant's weight and limits, which may be some seconds old. */
export type TenantReader = (id: string) => Promise<Tenant>;

const freshMs = 5_000;
const maxTenants = 10_000;

export function createTenantReader(store: ObjectStore, defaults: TenantDefaults): TenantReader {
  const tenants = createLoadingCache<Tenant>({ maxEntries: maxTenants, ttlMs: freshMs });
  return (id) => tenants.load(id, () => readTenant(store, id, defaults));
}
