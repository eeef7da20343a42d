import { createCache } from '@umbra/shared/cache';
import type { ObjectStore } from '../store/store.js';
import { readTenant, type Tenant, type TenantDefaults } from './tenant.js';

/** What holds for a tenant, as of some seconds ago. */
export type TenantReader = (id: string) => Promise<Tenant>;

const freshMs = 5_000;
const kept = 10_000;

export function createTenantReader(store: ObjectStore, defaults: TenantDefaults): TenantReader {
  const known = createCache<Promise<Tenant>>({ maxEntries: kept, ttlMs: freshMs });
  return (id) => {
    const remembered = known.get(id);
    if (remembered !== undefined) return remembered;
    const asked = readTenant(store, id, defaults);
    known.set(id, asked, performance.now());
    // A store that is away is asked again at once.
    asked.catch(() => known.delete(id));
    return asked;
  };
}
