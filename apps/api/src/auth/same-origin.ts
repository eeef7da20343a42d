import { AppError } from '@umbra/shared/errors';
import type { Request } from 'express';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses a request that changes something and that another site may have made a browser send, with the cookie that
 * browsers add by themselves.
 *
 * @see https://www.w3.org/TR/fetch-metadata/ Browsers that know `Sec-Fetch-Site` send it over https and on loopback;
 *   all send `Origin` with what is neither GET nor HEAD.
 * @throws {AppError} `forbidden`
 */
export function assertSameOrigin(request: Request): void {
  if (safeMethods.has(request.method)) return;
  const site = request.get('sec-fetch-site');
  const origin = request.get('origin');
  const isOwn =
    site === undefined ? isOwnOrigin(request, origin) : ['same-origin', 'none'].includes(site);
  if (isOwn) return;
  const got = site === undefined ? `Origin '${origin ?? 'none'}'` : `Sec-Fetch-Site '${site}'`;
  throw new AppError(
    'forbidden',
    `Expected a request with a session cookie to be of this service's own pages, by Sec-Fetch-Site or by Origin, got ${got.slice(0, 100)}; programs send 'Authorization: Bearer' with an API key`,
  );
}

/** Whether an origin is the host that the client asked, as trusted proxies tell it. */
function isOwnOrigin(request: Request, origin: string | undefined): boolean {
  const stated = parseUrl(origin);
  if (stated === null) return false;
  // By the origin's scheme: a proxy that ends TLS may not tell, and the host's default port depends on it.
  return parseUrl(`${stated.protocol}//${request.host}`)?.host === stated.host;
}

const parseUrl = (text = ''): URL | null => (URL.canParse(text) ? new URL(text) : null);
