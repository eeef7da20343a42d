import { type Html, html, inline } from './html.js';
import { describeType } from './schema-types.js';
import type { ShownParameter, ShownSchema } from './shown.js';

type Row = { readonly name: string; readonly isRequired: boolean; readonly schema: ShownSchema };

/** Show a schema: its fields as a table, those of inner objects by their paths, or its type where it has none. */
export function showSchema(schema: ShownSchema, caption: string): Html {
  const rows = listFields(schema, '');
  if (rows.length === 0) return html`<div>${caption}: ${describeType(schema)}</div>`;
  return html`<table>
<caption>${caption}</caption>
<thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead>
<tbody>${rows.map(showRow)}</tbody>
</table>`;
}

/** Show the parameters of an operation as a table, as the fields of a schema are. */
export const showParameters = (parameters: readonly ShownParameter[], caption: string): Html =>
  html`<table>
<caption>${caption}</caption>
<thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead>
<tbody>${parameters.map(showParameter)}</tbody>
</table>`;

const showParameter = ({ name, in: place, required, schema, description }: ShownParameter): Html =>
  html`
<tr><th scope="row"><code>${name}</code> <small>${place}${required ? '' : ', optional'}</small></th>
<td>${describeType(schema)}</td>
<td>${inline(description ?? '')}${describeDefault(schema)}</td></tr>`;

const showRow = ({ name, isRequired, schema }: Row): Html => html`
<tr><th scope="row"><code>${name}</code>${isRequired ? '' : html` <small>optional</small>`}</th>
<td>${isExpanded(schema) ? describeFrame(schema) : describeType(schema)}</td>
<td>${inline(schema.description ?? '')}${describeDefault(schema)}</td></tr>`;

/** What stands for a value that is left out; empty where nothing does. */
const describeDefault = (schema: ShownSchema): Html =>
  schema.default === undefined
    ? html``
    : html` <span>Default: <code>${JSON.stringify(schema.default)}</code></span>`;

function listFields(schema: ShownSchema, prefix: string): Row[] {
  const object = innerObject(schema);
  if (object === undefined) return [];
  const { properties = {}, required = [] } = object.schema;
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = `${prefix}${object.suffix}${prefix === '' && object.suffix === '' ? '' : '.'}${name}`;
    const row: Row = { name: path, isRequired: required.includes(name), schema: field };
    return [row, ...listFields(field, path)];
  });
}

/** The object with fields that a schema is, is a list of, or is unless it is null. */
function innerObject(
  schema: ShownSchema,
): { readonly schema: ShownSchema; readonly suffix: string } | undefined {
  if (schema.properties !== undefined) return { schema, suffix: '' };
  const { items } = schema;
  if (typeof items === 'object' && items.properties !== undefined) {
    return { schema: items, suffix: '[]' };
  }
  const [only, ...others] = (schema.anyOf ?? []).filter(({ type }) => type !== 'null');
  return only === undefined || others.length > 0 ? undefined : innerObject(only);
}

const isExpanded = (schema: ShownSchema): boolean => innerObject(schema) !== undefined;

/** Describe what the rows below are the fields of. */
function describeFrame(schema: ShownSchema): string {
  const frame = innerObject(schema)?.suffix === '[]' ? 'list of objects' : 'object';
  const isNullable = (schema.anyOf ?? []).some(({ type }) => type === 'null');
  return isNullable ? `${frame} or null` : frame;
}
