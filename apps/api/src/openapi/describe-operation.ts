import type { z } from 'zod';
import type { Content, Operation, OperationAnswer } from '../http/operation.js';
import { describeHeaders } from './headers.js';
import type { Direction, JsonSchema } from './json-schema.js';
import { linksOf } from './links.js';
import type { ProblemWriter } from './problems.js';
import type { SchemaWriter } from './schemas.js';

/** What the descriptions of all operations share. */
export type Writers = {
  readonly schemas: SchemaWriter;
  readonly problems: ProblemWriter;
  /** All of them, to link to. */
  readonly operations: readonly Operation[];
};

/** Answer of Node.js itself, before any handler has the request. */
const tooLong = {
  description: 'Request Header Fields Too Large: path, query and headers beyond 16 KiB',
};

/** Describe an operation as an OpenAPI Operation Object. */
export function describeOperation(
  operation: Operation,
  { schemas, problems, operations }: Writers,
): JsonSchema {
  const { id, tag, summary, description, scope } = operation;
  const parameters = listParameters(operation, schemas);
  const requestBody = describeBody(operation, schemas);
  const words = [description, scope && `Needs a key with scope \`${scope}\`.`].filter(Boolean);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(words.length > 0 ? { description: words.join('\n\n') } : {}),
    security: securityOf(operation),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(requestBody === null ? {} : { requestBody }),
    responses: {
      ...describeAnswers(operation, schemas, operations),
      ...problems.write(operation),
      ...(operation.query === undefined ? {} : { 431: tooLong }),
    },
  };
}

/** What a request shows: a key, or a session of one. */
function securityOf({ scope, keyOnly = false }: Operation): JsonSchema[] {
  if (scope === null) return [];
  const key = { bearer: [scope] };
  return keyOnly ? [key] : [key, { session: [scope] }];
}

function listParameters(
  { id, params = {}, query, headers = {} }: Operation,
  schemas: SchemaWriter,
): JsonSchema[] {
  const { properties = {}, required = [] } =
    query === undefined ? {} : (schemas.write(query, 'input') as z.core.JSONSchema.ObjectSchema);
  if (query !== undefined && Object.keys(properties).length === 0) {
    throw new TypeError(`Expected the query of operation '${id}' to be an object with fields`);
  }
  const optional = Object.fromEntries(
    Object.entries(headers).map(([name, schema]) => [name, schema.safeParse(undefined).success]),
  );
  return [
    ...Object.entries(params).map(([name, schema]) =>
      parameter('path', name, true, schemas.write(schema, 'input')),
    ),
    ...Object.entries(properties).map(([name, schema]) =>
      parameter('query', name, required.includes(name), schema as JsonSchema),
    ),
    ...Object.entries(headers).map(([name, schema]) =>
      parameter('header', name, !optional[name], schemas.write(schema, 'input')),
    ),
  ];
}

function parameter(where: string, name: string, required: boolean, whole: JsonSchema): JsonSchema {
  const { description, ...schema } = whole;
  const words = description === undefined ? {} : { description };
  return { name, in: where, ...words, ...(required ? { required } : {}), schema };
}

function describeBody(operation: Operation, schemas: SchemaWriter): JsonSchema | null {
  const { body, bodyOptional = false, streams = {} } = operation;
  const content: Content = { ...(body && { 'application/json': body }), ...streams };
  if (Object.keys(content).length === 0) return null;
  return { required: !bodyOptional, content: describeContent(content, 'input', schemas) };
}

function describeContent(content: Content, direction: Direction, schemas: SchemaWriter) {
  return Object.fromEntries(
    Object.entries(content).map(([type, schema]) => {
      // OpenAPI 3.1 describes bytes without a schema.
      if (schema === 'bytes') return [type, {}];
      const written = schemas.write(schema, direction);
      const isWhole = /[/+]json$|^multipart\/form-data$/.test(type);
      // A stream of lines or events is no JSON document; OpenAPI 3.2 has `itemSchema` for one item.
      return [type, isWhole ? { schema: written } : { 'x-item-schema': written }];
    }),
  );
}

function describeAnswers(
  operation: Operation,
  schemas: SchemaWriter,
  operations: readonly Operation[],
): JsonSchema {
  return Object.fromEntries(
    Object.entries(operation.answers).map(([status, answer]) => {
      const links = linksOf(operation, Number(status), operations);
      const linked = Object.keys(links).length > 0 ? { links } : {};
      return [status, { ...describeAnswer(answer, schemas), ...linked }];
    }),
  );
}

function describeAnswer(
  { description, content, headers = {} }: OperationAnswer,
  schemas: SchemaWriter,
) {
  return {
    description,
    ...describeHeaders(headers),
    ...(content === undefined ? {} : { content: describeContent(content, 'output', schemas) }),
  };
}
