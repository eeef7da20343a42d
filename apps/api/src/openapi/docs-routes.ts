import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import type { ApiDocument } from './document.js';
import { pagePolicy, writePage } from './page/page.js';

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
    summary: 'Show this document as a page to read',
    answers: { 200: { description: 'A page', content: { 'text/html': 'bytes' } } },
  }),
};

/** Routes of the document and of a page that shows it; the page loads nothing. */
export function docsRoutes(document: () => ApiDocument): Route[] {
  let text: string | undefined;
  let page: string | undefined;
  return [
    route(docsOperations.document, ({ response }) => {
      text ??= JSON.stringify(document());
      response.type('application/json').send(text);
    }),
    route(docsOperations.page, ({ response }) => {
      page ??= writePage(document());
      response.set('Content-Security-Policy', pagePolicy).type('text/html').send(page);
    }),
  ];
}
