// JSON, headers, ids, cursors, lines and webhooks that no honest client sends.
import { readFileSync } from 'node:fs';
import { asJson, single } from './case.mjs';
import { damage, distort, oddTexts } from './mutate.mjs';

/** @typedef {import('./case.mjs').Generator} Generator */

const document = JSON.parse(
  readFileSync(new URL('../../packages/client/openapi.json', import.meta.url), 'utf8'),
);

/** @type {{ method: string, path: string, parameters: { name: string, in: string }[] }[]} */
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { parameters = [] }]) => ({
    method: method.toUpperCase(),
    path,
    parameters,
  })),
);

/**
 * @param {string} template
 * @param {(name: string) => string} give
 */
const fill = (template, give) =>
  template.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(give(name)));

/** Odd texts that encodeURIComponent refuses are none of a path. */
const pathTexts = oddTexts.filter((text) => text !== '\ud800');

/** @type {Generator} */
export function badJson(chance, { dataset, open }) {
  const bodies = [
    {
      path: '/v1/jobs',
      value: {
        dataset,
        model: 'tiny',
        settings: {
          patch: 16,
          stride: 8,
          fill: { kind: 'constant', value: 0, space: 'normalized' },
          target: { kind: 'predicted' },
          strategy: 'dense',
        },
        priority: 10,
        metadata: { a: 'b' },
        errorThreshold: 0.5,
        expiresAfterSeconds: 60,
        keepResultsSeconds: 60,
      },
    },
    {
      path: '/v1/datasets',
      value: { metadata: { a: 'b' }, labels: 'folder', source: { kind: 's3', uri: 's3://a/b/' } },
    },
    {
      path: `/v1/datasets/${open}/archives`,
      value: { format: 'zip', bytes: 100, labels: 'folder' },
    },
    {
      path: `/v1/datasets/${open}/uploads`,
      value: { files: [{ name: 'a.png', bytes: 10, sha256: '0'.repeat(64), label: 'x' }] },
    },
  ];
  const { path, value } = chance.pick(bodies);
  const how = chance.between(0, 9);
  if (how < 6) {
    const body = JSON.stringify(distort(value, chance, chance.pick([0.02, 0.1, 0.25])));
    return single('json', `${path}: ${body.slice(0, 120)}`, { path, headers: asJson, body });
  }
  if (how === 6) {
    const { name, bytes } = damage(Buffer.from(JSON.stringify(value)), chance);
    return single('json', `${path}: ${name}`, { path, headers: asJson, body: bytes });
  }
  const [name, body, headers] = chance.pick([
    ['50,000 brackets', '['.repeat(50_000), {}],
    ['nested 20,000 deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, {}],
    ['the same name twice', '{"dataset": 1, "dataset": 2}', {}],
    ['a byte order mark', `\ufeff${JSON.stringify(value)}`, {}],
    [
      'UTF-16',
      Buffer.from(JSON.stringify(value), 'utf16le'),
      { 'content-type': 'application/json; charset=utf-16' },
    ],
    ['an unknown charset', '{}', { 'content-type': 'application/json; charset=klingon' }],
    ['no gzip', '{}', { 'content-encoding': 'gzip' }],
    ['an unknown encoding', '{}', { 'content-encoding': 'zip' }],
    ['a megabyte', JSON.stringify({ a: 'x'.repeat(1 << 20) }), {}],
    ['another type', '{}', { 'content-type': 'text/plain' }],
    ['no type', '{}', { 'content-type': '' }],
    ['a number', '1', {}],
    ['nothing', '', {}],
  ]);
  return single('json', `${path}: ${name}`, {
    method: 'POST',
    path,
    headers: { ...asJson, ...headers },
    body,
  });
}

/** @type {Generator} */
export function badIds(chance, { job, foreign }) {
  const { method, path } = chance.pick(operations.filter((one) => one.path.includes('{')));
  const odd = chance.pick([
    ...pathTexts,
    foreign,
    'job_00000000000000000000',
    'ds_00000000000000000000',
  ]);
  // One part is odd, so that the others lead to where it is read.
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const which = chance.pick(names);
  const right = { job, image: 'img_00000000', file: 'result.json', model: 'tiny', layer: 'c1' };
  const filled = fill(path, (name) => (name === which ? odd : (Object(right)[name] ?? odd)));
  // The job that exists stays.
  const safe = method === 'DELETE' && filled.includes(job) ? 'GET' : method;
  return {
    kind: 'ids',
    name: `${safe} ${filled.slice(0, 120)}`,
    async run({ send }) {
      const { status } = await send({ method: safe, path: filled });
      if (odd === foreign && status < 400)
        throw new Error(`Expected another tenant's id to be unknown, got ${status}`);
    },
  };
}

/** @type {Generator} */
export function badCursors(chance, { job, dataset }) {
  const reads = operations.filter(
    ({ method, parameters }) => method === 'GET' && parameters.some((one) => one.in === 'query'),
  );
  const { path, parameters } = chance.pick(reads);
  const right = { job, dataset, image: 'img_00000000', model: 'tiny', layer: 'c1' };
  const query = parameters
    .filter((one) => one.in === 'query' && chance.next() < 0.7)
    .map(({ name }) => `${name}=${encodeURIComponent(chance.pick(pathTexts).slice(0, 3_000))}`);
  const extra = chance.pick(['', '&limit=1&limit=2', '&a[b]=1', '&__proto__[x]=1', '&%ff=%ff']);
  const filled = fill(path, (name) => Object(right)[name] ?? 'x');
  return single('cursors', `${path}?${query.join('&').slice(0, 100)}${extra}`, {
    path: `${filled}?${query.join('&')}${extra}`,
  });
}

/** @type {Generator} */
export function badLines(chance, { open, dataset }) {
  const line = {
    sha256: '0'.repeat(64),
    dataset,
    name: 'a.png',
    bytes: 10,
    label: 'x',
    box: { top: 0, left: 0, bottom: 9, right: 9 },
  };
  const lines = Array.from({ length: chance.between(1, 30) }, () =>
    chance.next() < 0.2 ? chance.pick(oddTexts) : JSON.stringify(distort(line, chance)),
  );
  const whole = Buffer.from(lines.join(chance.pick(['\n', '\r\n', '\r', '\n\n', ''])));
  const { name, bytes } =
    chance.next() < 0.3 ? damage(whole, chance) : { name: 'odd lines', bytes: whole };
  const path = chance.pick(['/v1/datasets', `/v1/datasets/${open}/images`]);
  return single('lines', name, {
    path,
    headers: { 'content-type': 'application/jsonl' },
    body: bytes,
    method: 'POST',
    mayWait: true,
  });
}

/** Addresses that lead to this machine, or to its network, in every way that they are written. */
const hosts = [
  '127.0.0.1',
  'localhost',
  'localhost.',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0.0.0.0',
  '0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[64:ff9b::7f00:1]',
  'ip6-localhost',
  '127.0.0.1.',
  '①②⑦.⓪.⓪.①',
  '169.254.169.254',
  '10.0.0.1',
  '192.168.1.1',
  '172.16.0.1',
  '100.64.0.1',
  '[fd00::1]',
  '[fe80::1]',
  'metadata.google.internal',
];

/** @type {Generator} */
export function badWebhooks(chance, { dataset, canary }) {
  const port = new URL(canary).port;
  const host = chance.pick(hosts);
  const url = chance.pick([
    `http://${host}:${port}/`,
    `http://user:secret@${host}:${port}/`,
    `https://${host}:${port}/`,
    `http://example.invalid@${host}:${port}/`,
    `http://${host}:${port}#@example.invalid/`,
    `file://${host}/etc/passwd`,
    `gopher://${host}:${port}/`,
    chance.pick(oddTexts),
  ]);
  const secret = chance.pick([undefined, undefined, 'whsec_', chance.pick(oddTexts)]);
  const body = JSON.stringify({
    dataset,
    model: 'tiny',
    settings: { patch: 16, stride: 16 },
    webhook: { url, ...(secret === undefined ? {} : { secret }) },
  });
  return single('webhooks', url.slice(0, 100), { path: '/v1/jobs', headers: asJson, body });
}
