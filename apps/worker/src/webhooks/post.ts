import { lookup as lookUp } from 'node:dns';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress } from '@umbra/shared/public-address';

export type PostRequest = {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the receiver may be on this network or machine. */
  readonly allowPrivate: boolean;
};

const timeoutMs = 15_000;

/**
 * Post a body. @returns The status: redirects are not followed, and the response's body is not read.
 *
 * Addresses are checked when they are connected to. A name that was checked before could stand for
 * another address by then.
 *
 * @throws The error that came before a status.
 */
export async function post({ url, body, headers, allowPrivate }: PostRequest): Promise<number> {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[|\]$/g, '');
  // An address is connected to without a look-up.
  if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) throw notPublic();
  const request = target.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(target, {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.timeout(timeoutMs),
      // No connection is kept: it would be used again without a look-up.
      agent: false,
      ...(allowPrivate ? {} : { lookup: lookUpPublic }),
    });
    sent.on('error', (error) =>
      reject(error.name === 'TimeoutError' || error.name === 'AbortError' ? timedOut() : error),
    );
    sent.on('response', (response: IncomingMessage) => {
      response.on('error', () => undefined);
      response.destroy();
      // Typed as optional, since a request that a server receives has none.
      if (response.statusCode === undefined) reject(new Error('Expected a status, got none'));
      else resolve(response.statusCode);
    });
    sent.end(body);
  });
}

const notPublic = () => new Error('Expected a public address');
const timedOut = () => new Error(`Expected an answer within ${timeoutMs / 1000} s`);

/** Look up public addresses: a name with a private address among them has none. */
const lookUpPublic: LookupFunction = (hostname, options, done) => {
  lookUp(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return done(error, []);
    const isFine =
      addresses.length > 0 && addresses.every(({ address }) => isPublicAddress(address));
    if (!isFine) return done(notPublic(), []);
    const [first] = addresses;
    if (options.all === true || first === undefined) return done(null, addresses);
    done(null, first.address, first.family);
  });
};
