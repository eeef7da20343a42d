import type { JsonSchema } from './json-schema.js';

const count: JsonSchema = { type: 'integer', minimum: 0 };

/** Schemas of the headers that are not plain strings. */
const headerSchemas: Readonly<Record<string, JsonSchema>> = {
  'retry-after': count,
  'content-length': count,
  location: { type: 'string', format: 'uri-reference' },
};

/** Describe a response's `headers`; empty where it has none. */
export function describeHeaders(headers: Readonly<Record<string, string>>): JsonSchema {
  const described = Object.entries(headers).map(([name, description]) => [
    name,
    { description, schema: headerSchemas[name.toLowerCase()] ?? { type: 'string' } },
  ]);
  return described.length > 0 ? { headers: Object.fromEntries(described) } : {};
}
