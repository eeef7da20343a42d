import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import type { ApiDocument } from './document.js';

const assets = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
  'start.js': 'text/javascript',
} as const;
const assetName = z.enum(Object.keys(assets) as [keyof typeof assets, ...(keyof typeof assets)[]]);

export const docsOperations = {
  document: operation({
    id: 'getDocument',
    method: 'get',
    path: '/v1/openapi.json',
    tag: 'service',
    scope: null,
    summary: 'Get this document',
    answers: {
      200: {
        description: 'OpenAPI 3.1',
        content: { 'application/json': z.record(z.string(), z.unknown()) },
      },
    },
  }),
  page: operation({
    id: 'getDocs',
    method: 'get',
    path: '/docs',
    tag: 'service',
    scope: null,
    summary: 'Show this document as a page with which requests can be tried',
    answers: { 200: { description: 'A page', content: { 'text/html': 'bytes' } } },
  }),
  asset: operation({
    id: 'getDocsAsset',
    method: 'get',
    path: '/docs/{asset}',
    tag: 'service',
    scope: null,
    summary: 'Get a file of the page',
    params: { asset: assetName },
    answers: {
      200: {
        description: 'A file',
        content: { 'text/css': 'bytes', 'text/javascript': 'bytes', 'image/png': 'bytes' },
      },
    },
  }),
};

/** Routes of the document and of a page that shows it, from files of this machine only. */
export function docsRoutes(document: () => ApiDocument): Route[] {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  let text: string | undefined;
  return [
    route(docsOperations.document, ({ response }) => {
      text ??= JSON.stringify(document());
      response.type('application/json').send(text);
    }),
    route(docsOperations.page, ({ response }) => {
      response.set('Content-Security-Policy', policy).type('text/html').send(page);
    }),
    route(docsOperations.asset, async ({ params: { asset }, response }) => {
      response.set('Cache-Control', 'public, max-age=3600').type(assets[asset]);
      response.send(asset === 'start.js' ? start : await readFile(join(folder, asset)));
    }),
  ];
}

/** Content Security Policy: requests tried on the page go to this service alone; Swagger UI styles inline. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Umbra: HTTP interface</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="document"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({
  url: 'v1/openapi.json',
  dom_id: '#document',
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null,
});
`;
