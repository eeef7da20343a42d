import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkApiFiles, lintApi } from '../../scripts/lib/openapi.mjs';
import { startService, type TestService } from '../support/service.js';

type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { responses: object }>>>>;
};

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const stored = async (): Promise<Document> =>
  JSON.parse(
    await readFile(new URL('../../packages/client/openapi.json', import.meta.url), 'utf8'),
  );

describe('the OpenAPI document', () => {
  test('matches the operations, and so do the types of the client', async () => {
    await checkApiFiles();
  });

  test('passes the linter', async () => {
    await lintApi();
  });

  test('is served without a key, with every operation that is mounted and no other', async () => {
    const response = await fetch(`${service.url}/v1/openapi.json`);
    expect(response.headers.get('content-type')).toContain('application/json');
    const served = (await response.json()) as Document;
    const { paths } = await stored();
    expect(Object.keys(served.paths).sort()).toEqual(Object.keys(paths).sort());
    // Those that are mounted come in another order.
    for (const [path, methods] of Object.entries(paths)) {
      expect(served.paths[path], path).toEqual(methods);
    }
  });

  test('lists the problems of every operation', async () => {
    const { paths } = await stored();
    for (const [path, methods] of Object.entries(paths)) {
      for (const { responses } of Object.values(methods)) {
        expect(Object.keys(responses), path).toEqual(expect.arrayContaining(['400', '500', '503']));
      }
    }
  });
});

describe('the documentation page', () => {
  test('loads its assets from this service alone', async () => {
    const response = await fetch(`${service.url}/docs`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await response.text();
    const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) {
      const asset = await fetch(new URL(link, `${service.url}/docs`));
      expect(asset.status, link).toBe(200);
      expect(new URL(asset.url).origin).toBe(service.url);
    }
  });

  test('serves no other files', async () => {
    for (const path of ['/docs/package.json', '/docs/..%2fpackage.json']) {
      const response = await fetch(`${service.url}${path}`);
      expect(response.status, path).toBe(404);
    }
  });
});
