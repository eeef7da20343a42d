import { defaultTenant } from '@umbra/platform/store/keys';
import type { Logger } from '@umbra/platform/telemetry/logger';
import { allows, type Scope } from '@umbra/platform/tenancy/api-keys';
import { createKeyVerifier } from '@umbra/platform/tenancy/verify-key';
import { hasCode } from '@umbra/shared/errors';
import type { Request } from 'express';
import type { Authorize } from '../http/operation.js';
import { ProblemError } from '../http/problems.js';
import type { ApiServices } from '../services.js';
import { type GuardedVerifier, limitGuesses } from './limit-guesses.js';

/** Authorizes requests by API key; where authentication is off, every request has the default tenant. */
export function createAuthorize({
  config,
  store,
  logger,
}: Pick<ApiServices, 'config' | 'store' | 'logger'>): Authorize {
  if (config.UMBRA_AUTH === 'none') return async () => defaultTenant;
  const verify = limitGuesses(createKeyVerifier(store), config.UMBRA_BAD_KEYS_PER_MINUTE);
  return async (request, scope) => {
    if (scope === null) return defaultTenant;
    const { tenant, scopes, keyPrefix } = await identify(verify, request, logger);
    if (allows(scopes, scope)) return tenant;
    logger.info({ keyPrefix, scope }, 'request refused, API key lacks the scope');
    throw forbidden(scope, scopes);
  };
}

/** @throws {ProblemError} `unauthorized` with a challenge; `rate_limited`. @see https://www.rfc-editor.org/rfc/rfc6750 */
async function identify(verify: GuardedVerifier, request: Request, logger: Logger) {
  const header = request.get('authorization');
  const token = header === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(header)?.[1];
  if (token === undefined) {
    throw unauthorized("Expected 'Authorization: Bearer' with an API key", 'Bearer realm="umbra"');
  }
  try {
    return await verify(request, token);
  } catch (error) {
    if (!hasCode(error, 'unauthorized')) throw error;
    logger.info({ path: request.path, reason: error.message }, 'request refused, bad API key');
    throw unauthorized(error.message, 'Bearer realm="umbra", error="invalid_token"');
  }
}

const unauthorized = (message: string, challenge: string) =>
  new ProblemError('unauthorized', message, { headers: { 'WWW-Authenticate': challenge } });

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
