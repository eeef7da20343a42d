import type { JsonSchema } from './schemas.js';

const count: JsonSchema = { type: 'integer', minimum: 0 };

/** Headers whose values are more than words. */
const headerSchemas: Readonly<Record<string, JsonSchema>> = {
  'retry-after': count,
  'content-length': count,
  location: { type: 'string', format: 'uri-reference' },
};

/** The `headers` of a response, none where there are none. */
export function describeHeaders(headers: Readonly<Record<string, string>>): JsonSchema {
  const described = Object.entries(headers).map(([name, description]) => [
    name,
    { description, schema: headerSchemas[name.toLowerCase()] ?? { type: 'string' } },
  ]);
  return described.length > 0 ? { headers: Object.fromEntries(described) } : {};
}
