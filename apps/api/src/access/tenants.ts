import {
  createShortMemory,
  type ObjectStore,
  readTenant,
  type Tenant,
  type TenantDefaults,
} from '@umbra/shared';
import type { ApiConfig } from '../config.js';

/** What holds for a tenant, as of some seconds ago. */
export type TenantReader = (id: string) => Promise<Tenant>;

const freshMs = 5_000;
const kept = 10_000;

export function createTenantReader(store: ObjectStore, defaults: TenantDefaults): TenantReader {
  const known = createShortMemory<Promise<Tenant>>({ freshMs, kept });
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

/** What holds where nothing was set for a tenant. */
export const tenantDefaultsOf = (config: ApiConfig): TenantDefaults => ({
  quotas: {
    images: config.UMBRA_QUOTA_IMAGES ?? null,
    bytes: config.UMBRA_QUOTA_BYTES ?? null,
    positionsInFlight: config.UMBRA_QUOTA_POSITIONS ?? null,
  },
  // One user alone, on this machine, is not to be slowed down.
  requestsPerMinute: config.UMBRA_AUTH === 'none' ? null : config.UMBRA_REQUESTS_PER_MINUTE,
});
