import { AppError } from '@umbra/shared/errors';
import type { Request } from 'express';
import { isLoopback } from './loopback.js';

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
  const stated = findOtherOrigin(request);
  if (stated === null) return;
  throw new AppError(
    'forbidden',
    `Expected a request with a session cookie to be of this service's own pages, by Sec-Fetch-Site or by Origin, got ${stated}; programs send 'Authorization: Bearer' with an API key`,
  );
}

/**
 * Refuses a request that changes something and that a browser sent for another site, where nobody has to show a key.
 * Programs, which tell neither a site nor an origin, pass.
 *
 * @throws {AppError} `forbidden`
 */
export function assertNoOtherSite(request: Request): void {
  if (request.get('sec-fetch-site') === undefined && request.get('origin') === undefined) return;
  const stated = findOtherOrigin(request);
  if (stated === null) return;
  throw new AppError(
    'forbidden',
    `Expected a browser's request that changes something to be of this service's own pages, by Sec-Fetch-Site or by Origin, got ${stated}`,
  );
}

/**
 * Refuses a request that does not name this machine, where nobody has to show a key: a page of another site may have had
 * its own name lead here (DNS rebinding), and would be a page of this service then.
 *
 * @throws {AppError} `forbidden`
 */
export function assertLoopbackHost(request: Request): void {
  // The header itself: whom a proxy serves has no place where everybody may do everything.
  const host = request.get('host') ?? '';
  const name = parseUrl(`http://${host}`)?.hostname.replace(/^\[|\]$/g, '') ?? '';
  if (isLoopback(name) || name.endsWith('.localhost')) return;
  throw new AppError(
    'forbidden',
    `Expected Host to be localhost or an address of this machine alone, since UMBRA_AUTH is 'none', got '${cut(host)}'`,
  );
}

/** What a request that changes something says of where it is from; null where that is this service, or it changes nothing. */
function findOtherOrigin(request: Request): string | null {
  if (safeMethods.has(request.method)) return null;
  const site = request.get('sec-fetch-site');
  const origin = request.get('origin');
  const isOwn =
    site === undefined ? isOwnOrigin(request, origin) : ['same-origin', 'none'].includes(site);
  if (isOwn) return null;
  if (site !== undefined) return `Sec-Fetch-Site '${cut(site)}'`;
  // A proxy may have replaced the host: it is told, so that an operator sees it.
  return `Origin '${cut(origin ?? 'none')}' where Host is '${cut(request.host ?? 'none')}'`;
}

/** Whether an origin is the host that the client asked, as trusted proxies tell it. */
function isOwnOrigin(request: Request, origin: string | undefined): boolean {
  const stated = parseUrl(origin);
  if (stated === null) return false;
  // By the origin's scheme: a proxy that ends TLS may not tell, and the host's default port depends on it.
  return parseUrl(`${stated.protocol}//${request.host}`)?.host === stated.host;
}

const cut = (text: string): string => text.slice(0, 100);

const parseUrl = (text = ''): URL | null => (URL.canParse(text) ? new URL(text) : null);
