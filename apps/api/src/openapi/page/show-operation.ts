import { writeCurl } from './curl.js';
import { type Html, html, inline, prose } from './html.js';
import { showParameters, showSchema } from './schema-table.js';
import {
  nameOf,
  type ShownContent,
  type ShownDocument,
  type ShownResponse,
  type ShownRoute,
} from './shown.js';

/** Show an operation: what it takes, what it answers, and a request as a command. */
export function showOperation(route: ShownRoute, { components }: ShownDocument): Html {
  const { method, path, operation } = route;
  const { operationId: id, summary, description = '', parameters = [], requestBody } = operation;
  return html`
<section id="operation-${id}">
<h3><code><b>${method.toUpperCase()}</b> ${path}</code></h3>
<p class="summary">${inline(summary)}</p>
${prose(description)}
${parameters.length === 0 ? '' : showParameters(parameters, `Parameters of ${id}`)}
${requestBody === undefined ? '' : html`<h4>Request body${requestBody.required ? '' : ', optional'}</h4>${showContent(requestBody.content, `Body of ${id}`)}`}
<h4>Responses</h4>
${showResponses(operation.responses, components.responses, id)}
<h4>As a command</h4>
<pre><code>${writeCurl(route, components.schemas)}</code></pre>
</section>`;
}

function showContent(content: ShownContent, what: string): Html[] {
  return Object.entries(content).map(([type, { schema, 'x-item-schema': item }]) => {
    if (schema !== undefined) return showSchema(schema, `${what}, ${type}`);
    if (item !== undefined) return showSchema(item, `${what}, each item of ${type}`);
    return html`<p>${what}, ${type}: bytes</p>`;
  });
}

/** Responses of this operation, then the problems, each of which has the same body. */
function showResponses(
  responses: Readonly<Record<string, ShownResponse>>,
  shared: Readonly<Record<string, ShownResponse>>,
  id: string,
): Html {
  const all = Object.entries(responses);
  const own = all.filter(([, { $ref }]) => $ref === undefined);
  const problems = all.flatMap(([status, { $ref }]) => {
    const found = $ref === undefined ? undefined : shared[nameOf($ref)];
    return found === undefined ? [] : [[status, found] as const];
  });
  return html`
<dl>${own.map(([status, response]) => showResponse(status, response))}</dl>
${own.map(([status, { content = {} }]) => showContent(content, `Answer ${status} of ${id}`))}
<p>Problems (<a href="#schema-Problem">Problem</a>):</p>
<dl>${problems.map(([status, response]) => showResponse(status, response))}</dl>`;
}

const showResponse = (status: string, { description, headers = {} }: ShownResponse): Html => html`
<dt>${status}</dt><dd>${inline(description)}${Object.entries(headers).map(
  ([name, header]) => html`<br>Header <code>${name}</code>: ${inline(header.description)}`,
)}</dd>`;
