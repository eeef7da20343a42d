import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkApiFiles, lintApi } from '../../scripts/lib/openapi.mjs';
import { startService, type TestService } from '../support/service.js';

type Document = {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { operationId: string; responses: object }>>>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
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
  const load = async () => {
    const response = await fetch(`${service.url}/docs`);
    return { response, page: await response.text() };
  };

  test('loads nothing, and runs no script', async () => {
    const { response, page } = await load();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/html');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/script-src|connect-src|unsafe|https?:/);
    expect(page).not.toMatch(/<script|<iframe|<object|\bsrc=|\bon\w+=|javascript:/);
    const links = [...page.matchAll(/href="([^"#][^"]*)"/g)].map(([, link]) => link);
    expect(links).toEqual(['data:,', 'v1/openapi.json']);
    expect((await fetch(new URL('v1/openapi.json', `${service.url}/docs`))).status).toBe(200);
  });

  test('has the style that its policy allows', async () => {
    const { response, page } = await load();
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
    const digest = createHash('sha256').update(style).digest('base64');
    expect(response.headers.get('content-security-policy')).toContain(`'sha256-${digest}'`);
  });

  test('has every operation and every schema once, and what its links lead to', async () => {
    const { page } = await load();
    const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const { paths, components } = await stored();
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    for (const { operationId } of operations) expect(ids).toContain(`operation-${operationId}`);
    for (const name of Object.keys(components.schemas)) expect(ids).toContain(`schema-${name}`);
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
  });

  test('is one page: there are no other files', async () => {
    for (const path of ['/docs/package.json', '/docs/swagger-ui.css']) {
      expect((await fetch(`${service.url}${path}`)).status, path).toBe(404);
    }
  });
});
