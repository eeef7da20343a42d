import { quotasOf } from '@umbra/platform/config';
import type { TenantDefaults } from '@umbra/platform/tenancy/tenant';
import type { ApiConfig } from '../config.js';

/** Quotas and request rate of a tenant that has none of its own. */
export const tenantDefaultsOf = (config: ApiConfig): TenantDefaults => ({
  quotas: quotasOf(config),
  // Without authentication there is one user, on this machine: no rate limit.
  requestsPerMinute: config.UMBRA_AUTH === 'none' ? null : config.UMBRA_REQUESTS_PER_MINUTE,
});
