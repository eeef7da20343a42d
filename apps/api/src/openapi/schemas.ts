import { z } from 'zod';
import { namedSchemas } from './components.js';
import type { Direction, JsonSchema } from './json-schema.js';

export type SchemaWriter = {
  /** Write a schema as JSON Schema, which refers to the named ones. */
  write(schema: z.ZodType, direction: Direction): JsonSchema;
  /** Named schemas that were referred to so far, and those that they refer to. */
  components(): Readonly<Record<string, JsonSchema>>;
};

const root = '#/components/schemas/';
/** Temporary name of the schema being written; no component has it. */
const self = 'self';

/**
 * Convert zod schemas into those of an OpenAPI 3.1 document.
 *
 * A named schema that differs between request and answer, because defaults and shorthands are filled in,
 * becomes two components: `Settings` and `SettingsInput`. A schema named `...Request` is only ever input,
 * and keeps its name.
 */
export function createSchemaWriter(): SchemaWriter {
  const written = { input: writeNamed('input'), output: writeNamed('output') };
  const used = new Map<string, JsonSchema>();

  /** Whether an input component differs from the output one, in itself or in what it refers to. */
  const differs = (name: string, seen = new Set<string>()): boolean => {
    if (seen.has(name)) return false;
    seen.add(name);
    const own = written.input[name];
    if (JSON.stringify(own) !== JSON.stringify(written.output[name])) return true;
    return refsOf(own).some((other) => differs(other, seen));
  };
  const finish = (schema: JsonSchema, direction: Direction): JsonSchema =>
    mapRefs(schema, (name) => {
      const isOther = direction === 'input' && !name.endsWith('Request') && differs(name);
      const component = isOther ? `${name}Input` : name;
      if (!used.has(component)) {
        used.set(component, {});
        used.set(component, finish(written[direction][name] ?? {}, direction));
      }
      return component;
    });

  return {
    write(schema, direction) {
      const name = Object.entries(namedSchemas).find(([, one]) => one === schema)?.[0];
      const own = name === undefined ? writeOne(schema, direction) : { $ref: root + name };
      return finish(own, direction);
    },
    components: () => Object.fromEntries([...used].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function writeNamed(direction: Direction): Record<string, JsonSchema> {
  return toSchemas(new Map(Object.entries(namedSchemas)), direction);
}

function writeOne(schema: z.ZodType, direction: Direction): JsonSchema {
  const all = new Map<string, z.ZodType>([...Object.entries(namedSchemas), [self, schema]]);
  return toSchemas(all, direction)[self] ?? {};
}

function toSchemas(
  schemas: ReadonlyMap<string, z.ZodType>,
  direction: Direction,
): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of schemas) registry.add(schema, { id });
  const { schemas: made } = z.toJSONSchema(registry, {
    io: direction,
    target: 'draft-2020-12',
    uri: (id) => root + id,
    override({ jsonSchema }) {
      // The format implies the pattern, which would fill a screen.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
      // Zod's readOnly is about TypeScript's arrays; OpenAPI's is about what must not be sent.
      delete jsonSchema.readOnly;
    },
  });
  return Object.fromEntries(
    Object.entries(made).map(([id, { $schema, $id, ...schema }]) => [id, schema]),
  );
}

const isRef = (key: string, value: unknown): value is string =>
  key === '$ref' && typeof value === 'string' && value.startsWith(root);

function mapRefs(schema: JsonSchema, rename: (name: string) => string): JsonSchema {
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        isRef(key, inner) ? root + rename(inner.slice(root.length)) : visit(inner),
      ]),
    );
  };
  return visit(schema) as JsonSchema;
}

function refsOf(schema: JsonSchema | undefined): string[] {
  const found: string[] = [];
  mapRefs(schema ?? {}, (name) => {
    found.push(name);
    return name;
  });
  return found;
}
