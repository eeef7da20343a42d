import { defaultTenant } from '@umbra/platform/store/keys';
import { allows, type Scope } from '@umbra/platform/tenancy/api-keys';
import type { Identity } from '../http/identity.js';
import type { Authorize } from '../http/operation.js';
import { ProblemError } from '../http/problems.js';
import type { ApiServices } from '../services.js';
import { assertLoopbackHost, assertNoOtherSite } from './same-origin.js';

/** Who asks where nobody has to show a key. */
const anybody: Identity = {
  tenant: defaultTenant,
  scopes: ['read', 'submit', 'admin'],
  authentication: 'none',
  keyPrefix: null,
  endsAt: null,
};

/**
 * Authorizes requests by who sends them; where authentication is off, every request has the default tenant, but those
 * of other sites' pages.
 */
export function createAuthorize({
  config,
  identify,
  logger,
}: Pick<ApiServices, 'config' | 'identify' | 'logger'>): Authorize {
  if (config.UMBRA_AUTH === 'none') {
    return async (request, { scope }) => {
      if (scope !== null) assertLoopbackHost(request);
      assertNoOtherSite(request);
      return anybody;
    };
  }
  return async (request, { scope, keyOnly = false }) => {
    if (scope === null) return anybody;
    const identity = await identify.request(request);
    const { scopes, keyPrefix } = identity;
    if (keyOnly && identity.authentication !== 'key') throw keyWanted();
    if (allows(scopes, scope)) return identity;
    logger.info({ keyPrefix, scope }, 'request refused, API key lacks the scope');
    throw forbidden(scope, scopes);
  };
}

const keyWanted = () =>
  new ProblemError(
    'unauthorized',
    "Expected 'Authorization: Bearer' with an API key, got a session cookie",
    { headers: { 'WWW-Authenticate': 'Bearer realm="umbra"' } },
  );

const forbidden = (asked: Scope, given: readonly Scope[]) =>
  new ProblemError(
    'forbidden',
    `Expected a key with scope '${asked}', got one with ${given.map((one) => `'${one}'`).join(', ')}`,
    {
      headers: {
        'WWW-Authenticate': `Bearer realm="umbra", error="insufficient_scope", scope="${asked}"`,
      },
    },
  );
