// Headers and requests that are hardly HTTP.
import { single } from './case.mjs';
import { oddTexts } from './mutate.mjs';

const names = [
  'accept',
  'accept-encoding',
  'authorization',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'if-range',
  'last-event-id',
  'origin',
  'range',
  'traceparent',
  'transfer-encoding',
  'upgrade',
  'upload-offset',
  'x-forwarded-for',
  'x-http-method-override',
];

const values = [
  'bytes=0-0,1-1,2-2,3-3',
  'bytes=-99999999999999999999',
  'bytes=5-1',
  'Bearer',
  'Bearer umbra_aaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaa',
  'Basic YTpi',
  '*/*;q=banana',
  'a, '.repeat(2_000),
  '"'.repeat(500),
  '00-00000000000000000000000000000000-0000000000000000-ff',
  '0-0',
  'chunked, chunked',
  '100-continue',
  'h2c',
];

/** What a header may hold for an HTTP client to send it. */
const sendable = oddTexts.filter((text) => /^[\t\x20-\x7e]*$/.test(text));

const rawRequests = (/** @type {string} */ key) => [
  'GET / HTTP/9.9\r\n\r\n',
  'GET\r\n\r\n',
  '\x00\x01\x02\x03',
  'GET /v1/jobs HTTP/1.1\r\n\r\n',
  'GET /v1/jobs HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'GET /%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /v1/jobs\x00 HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET http://169.254.169.254/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'CONNECT example.invalid:443 HTTP/1.1\r\nHost: a\r\n\r\n',
  'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  `GET /v1/jobs HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
  `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  `GET /v1/jobs HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(3_000)}\r\n`,
  `POST /v1/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `POST /v1/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n{}`,
  `POST /v1/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}`,
  `POST /v1/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{`,
  `POST /v1/datasets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9999\r\n\r\n--b\r\n`,
  `POST /v1/datasets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/zip\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nPK\x03\x04\r\n`,
];

/**
 * @param {string} key an API key, for requests that get beyond the door
 * @returns {import('./case.mjs').Generator}
 */
export const badHeaders =
  (key) =>
  (chance, { job, open }) => {
    if (chance.next() < 0.35) {
      const text = chance.pick(rawRequests(key));
      const name = `raw: ${JSON.stringify(text.slice(0, 60))}`;
      return { kind: 'headers', name, run: ({ sendRaw }) => sendRaw(text) };
    }
    const headers = Object.fromEntries(
      Array.from({ length: chance.between(1, 3) }, () => [
        chance.pick(names),
        chance.pick([...values, ...sendable]).slice(0, 6_000),
      ]),
    );
    const method = chance.pick([
      'GET',
      'GET',
      'HEAD',
      'PUT',
      'POST',
      'PATCH',
      'PROPFIND',
      'OPTIONS',
    ]);
    const path = chance.pick([
      '/v1/jobs',
      `/v1/jobs/${job}/archive`,
      `/v1/jobs/${job}/images/img_00000000/result.json`,
      `/v1/jobs/${job}/events`,
      `/v1/datasets/${open}`,
      '/healthz',
      '/',
    ]);
    return single('headers', `${method} ${path} ${JSON.stringify(headers).slice(0, 100)}`, {
      method,
      path,
      headers,
    });
  };
