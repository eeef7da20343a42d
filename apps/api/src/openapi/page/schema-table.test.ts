import { expect, test } from 'vitest';
import { showSchema } from './schema-table.js';
import { describeType } from './schema-types.js';
import type { ShownSchema } from './shown.js';

const text = (schema: ShownSchema) => describeType(schema).markup.replaceAll(/<[^>]+>/g, '');

test.each<[ShownSchema, string]>([
  [{ type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER }, 'integer, at least 1'],
  [{ type: 'number', minimum: 0, maximum: 1 }, 'number, 0 to 1'],
  [{ type: 'string', maxLength: 9 }, 'string, at most 9 characters'],
  [{ type: 'string', pattern: '^ds_' }, 'string, like ^ds_'],
  [{ type: 'string', format: 'date-time' }, 'date-time'],
  [{ const: 'a' }, '&quot;a&quot;'],
  [{ enum: ['a', 1] }, '&quot;a&quot; or 1'],
  [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'string or null'],
  [
    { type: 'array', items: { $ref: '#/components/schemas/Job' }, maxItems: 8 },
    'list (at most 8 items) of Job',
  ],
  [{ type: 'object', additionalProperties: { type: 'string' } }, 'object of string'],
  [
    { type: 'object', properties: { x: { type: 'number' }, y: {} }, required: ['x'] },
    '{ x: number, y (optional): any }',
  ],
])('%j is described in words', (schema, words) => {
  expect(text(schema)).toBe(words);
});

test('choices among objects take a line each, and choices of choices are one list', () => {
  const object: ShownSchema = { type: 'object', properties: { x: { type: 'number' } } };
  const nested: ShownSchema = {
    anyOf: [{ anyOf: [{ type: 'integer' }, object] }, { type: 'null' }],
  };
  expect(describeType(nested).markup).toBe(
    'one of<ul><li>integer</li><li>{ <code>x</code> (optional): number }</li><li>null</li></ul>',
  );
});

test('a reference leads to its schema', () => {
  expect(describeType({ $ref: '#/components/schemas/Job' }).markup).toBe(
    '<a href="#schema-Job">Job</a>',
  );
});

test('a table has the fields of inner objects by their paths', () => {
  const inner: ShownSchema = { type: 'object', properties: { id: { type: 'string' } } };
  const { markup } = showSchema(
    {
      type: 'object',
      properties: {
        list: { type: 'array', items: inner },
        maybe: { anyOf: [inner, { type: 'null' }], description: 'Or `null`' },
        count: { type: 'integer', default: 3 },
      },
      required: ['list'],
    },
    'Body',
  );
  const names = [...markup.matchAll(/<th scope="row"><code>([^<]+)/g)].map(([, name]) => name);
  expect(names).toEqual(['list', 'list[].id', 'maybe', 'maybe.id', 'count']);
  expect(markup).toContain('<td>list of objects</td>');
  expect(markup).toContain('<td>object or null</td>\n<td>Or <code>null</code></td>');
  expect(markup).toContain('Default: <code>3</code>');
});
