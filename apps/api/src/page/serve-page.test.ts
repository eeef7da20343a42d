import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, brotliDecompressSync, gzipSync } from 'node:zlib';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servePage } from './serve-page.js';

const index = '<!doctype html><title>Umbra</title>';
const script = 'console.log("a page");';

let folder: string;
let server: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-page-'));
  const app = express();
  app.use(servePage(folder));
  app.use((_request, response) => void response.status(404).json({ code: 'not_found' }));
  app.use(((error, _request, response, _next) => {
    response.status(500).send(error.message);
  }) as express.ErrorRequestHandler);
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Without fetch, which decodes what it gets. */
async function ask(path: string, headers: Record<string, string> = {}) {
  const { port } = server.address() as AddressInfo;
  const request = get({ port, host: '127.0.0.1', path, headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { response, status: response.statusCode, body: await buffer(response) };
}

describe('a page that is not built', () => {
  test('says so', async () => {
    const { body } = await ask('/');
    expect(body.toString()).toContain("The page is not built, 'npm run build' builds it");
  });
});

describe('a built page', () => {
  beforeAll(async () => {
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'index.html'), index);
    const path = join(folder, 'assets', 'index-abc.js');
    await writeFile(path, script);
    await writeFile(`${path}.br`, brotliCompressSync(script));
    await writeFile(`${path}.gz`, gzipSync(script));
    await writeFile(join(folder, 'theme.js'), '1;');
  });

  test.each(['/', '/jobs', '/jobs/job_1', '/jobs/job_1/images/img_00000000', '/models?a=1'])(
    'is answered at %s, and asked for anew each time',
    async (path) => {
      const { response, body } = await ask(path);
      expect(body.toString()).toBe(index);
      expect(response.headers).toMatchObject({
        'cache-control': 'no-cache',
        'content-type': 'text/html; charset=utf-8',
      });
      const policy = String(response.headers['content-security-policy']);
      expect(policy).toContain("default-src 'self'");
      expect(policy).not.toContain('unsafe');
    },
  );

  test.each([
    '/v1/nothing',
    '/docs',
    '/healthz',
    '/index.html',
    '/assets/none.js',
    '/assets/..%2findex.html',
    '/jobs/a/b',
  ])('is not answered at %s', async (path) => {
    const { status, body } = await ask(path);
    expect(status).toBe(404);
    expect(JSON.parse(body.toString())).toEqual({ code: 'not_found' });
  });

  test('is not sent again to who has it', async () => {
    const { response } = await ask('/');
    const again = await ask('/', { 'if-none-match': String(response.headers.etag) });
    expect(again.status).toBe(304);
  });

  test('sends its files compressed, to be kept for good', async () => {
    const path = '/assets/index-abc.js';
    const plain = await ask(path);
    expect(plain.body.toString()).toBe(script);
    const { response, body } = await ask(path, { 'accept-encoding': 'gzip, deflate, br' });
    expect(response.headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
      vary: 'Accept-Encoding',
    });
    expect(brotliDecompressSync(body).toString()).toBe(script);
    const zipped = await ask(path, { 'accept-encoding': 'gzip' });
    expect(zipped.response.headers['content-encoding']).toBe('gzip');
  });

  test('does not keep files whose names have no digest', async () => {
    const { response } = await ask('/theme.js');
    expect(response.headers['cache-control']).toBe('no-cache');
  });
});
