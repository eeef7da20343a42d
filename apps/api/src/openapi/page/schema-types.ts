import { type Html, html, join } from './html.js';
import { nameOf, type ShownSchema } from './shown.js';

/** Describe what a schema allows, in a line. */
export function describeType(schema: ShownSchema): Html {
  const { $ref } = schema;
  if ($ref !== undefined) return html`<a href="#schema-${nameOf($ref)}">${nameOf($ref)}</a>`;
  if ('const' in schema) return literal(schema.const);
  if (schema.enum !== undefined) return join(schema.enum.map(literal), ' or ');
  const choices = listChoices(schema);
  if (choices.length > 1) return describeChoices(choices);
  if (schema.type === 'array') return describeArray(schema);
  if (schema.type === 'object') return describeObject(schema);
  return describeScalar(schema);
}

/** What a schema is one of, choices of choices among them; itself where it is none of several. */
function listChoices(schema: ShownSchema): ShownSchema[] {
  const choices = schema.anyOf ?? schema.oneOf;
  return choices === undefined ? [schema] : choices.flatMap(listChoices);
}

/** Objects take a line each. */
function describeChoices(choices: readonly ShownSchema[]): Html {
  const described = choices.map(describeType);
  if (choices.every(({ properties }) => properties === undefined)) return join(described, ' or ');
  return html`one of<ul>${described.map((choice) => html`<li>${choice}</li>`)}</ul>`;
}

const literal = (value: unknown): Html => html`<code>${JSON.stringify(value)}</code>`;

function describeArray({ items, minItems, maxItems }: ShownSchema): Html {
  const of = typeof items === 'object' ? html` of ${describeType(items)}` : html``;
  const counts = range(minItems, maxItems, 'items');
  return html`list${counts === '' ? '' : ` (${counts})`}${of}`;
}

function describeObject({ properties, required = [], additionalProperties }: ShownSchema): Html {
  if (properties === undefined) {
    if (typeof additionalProperties !== 'object') return html`object`;
    return html`object of ${describeType(additionalProperties)}`;
  }
  const fields = Object.entries(properties).map(
    ([name, schema]) =>
      html`<code>${name}</code>${required.includes(name) ? '' : ' (optional)'}: ${describeType(schema)}`,
  );
  return html`{ ${join(fields, ', ')} }`;
}

function describeScalar(schema: ShownSchema): Html {
  const { type = 'any', format, minLength, maxLength, pattern } = schema;
  const lower = schema.minimum ?? schema.exclusiveMinimum;
  const upper = schema.maximum ?? schema.exclusiveMaximum;
  const limits = [
    range(bound(lower), bound(upper), ''),
    range(minLength, maxLength, 'characters'),
  ].filter((text) => text !== '');
  const words = [format ?? type, ...limits].join(', ');
  return pattern === undefined
    ? html`${words}`
    : html`${words}, like <code class="pattern">${pattern}</code>`;
}

/** The bounds of whole numbers that a double can hold are none that a reader needs. */
const bound = (value: number | undefined): number | undefined =>
  value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;

function range(min: number | undefined, max: number | undefined, unit: string): string {
  const suffix = unit === '' ? '' : ` ${unit}`;
  if (min !== undefined && max !== undefined) {
    return min === max ? `${min}${suffix}` : `${min} to ${max}${suffix}`;
  }
  if (max !== undefined) return `at most ${max}${suffix}`;
  return min !== undefined && min > 0 ? `at least ${min}${suffix}` : '';
}
