import { quotasOf } from '@umbra/platform/config';
import type { TenantDefaults } from '@umbra/platform/tenancy/tenant';
import type { ApiConfig } from '../config.js';

/** What holds where nothing was set for a tenant. */
export const tenantDefaultsOf = (config: ApiConfig): TenantDefaults => ({
  quotas: quotasOf(config),
  // One user alone, on this machine, is not to be slowed down.
  requestsPerMinute: config.UMBRA_AUTH === 'none' ? null : config.UMBRA_REQUESTS_PER_MINUTE,
});
