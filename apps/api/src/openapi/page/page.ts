import { createHash } from 'node:crypto';
import type { ApiDocument } from '../document.js';
import { type Html, html, inline, prose } from './html.js';
import { showSchema } from './schema-table.js';
import { showOperation } from './show-operation.js';
import type { ShownDocument, ShownRoute } from './shown.js';
import { style } from './style.js';

/** Content Security Policy of the page: one style sheet, which is part of it, and nothing else. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Write the OpenAPI document as a page to read, without a script. */
export function writePage(document: ApiDocument): string {
  const shown = document as unknown as ShownDocument;
  const { info, tags, components } = shown;
  const routes = listRoutes(shown);
  const groups = tags.map((tag) => ({
    ...tag,
    routes: routes.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  const { markup } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title}: HTTP interface</title>
<link rel="icon" href="data:,">
<style>${{ markup: style }}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the operations</a>
<header>
<h1>${info.title} ${info.version}: HTTP interface</h1>
${prose(info.description)}
<p>For programs: <a href="v1/openapi.json">the OpenAPI document</a>. In the commands, <code>$API</code> is the address of
this service.</p>
</header>
<nav aria-label="Operations and schemas">
${groups.map(
  ({ name, routes: own }) => html`<h2><a href="#tag-${name}">${name}</a></h2>
<ul>${own.map(({ operation }) => html`<li><a href="#operation-${operation.operationId}">${operation.operationId}</a></li>`)}</ul>`,
)}
<h2><a href="#schemas">schemas</a></h2>
<ul>${Object.keys(components.schemas).map((name) => html`<li><a href="#schema-${name}">${name}</a></li>`)}</ul>
</nav>
<main id="content" tabindex="-1">
<h2 id="access">Access</h2>
<dl>${Object.entries(components.securitySchemes).map(
    ([name, { description }]) => html`<dt>${name}</dt><dd>${inline(description)}</dd>`,
  )}</dl>
${groups.map(
  ({ name, description = '', routes: own }) => html`
<h2 id="tag-${name}">${name}</h2>
<p>${inline(description)}</p>
${own.map((route) => showOperation(route, shown))}`,
)}
${showSchemas(components.schemas)}
</main>
</body>
</html>
`;
  return markup;
}

const listRoutes = ({ paths }: ShownDocument): ShownRoute[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );

const showSchemas = (schemas: ShownDocument['components']['schemas']): Html => html`
<h2 id="schemas">schemas</h2>
${Object.entries(schemas).map(
  ([name, schema]) => html`
<section id="schema-${name}">
<h3>${name}</h3>
${prose(schema.description ?? '')}
${showSchema(schema, `Fields of ${name}`)}
</section>`,
)}`;
