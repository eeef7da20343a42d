import { STATUS_CODES } from 'node:http';
import { type ErrorCode, errorCodes } from '@umbra/shared/errors';
import type { Operation } from '../http/operation.js';
import { describeHeaders } from './headers.js';
import type { JsonSchema } from './json-schema.js';
import { problem } from './problem.js';
import type { SchemaWriter } from './schemas.js';

export type ProblemWriter = {
  /** Write the problem responses of an operation, by status. */
  write(operation: Operation): JsonSchema;
  /** Responses that were referred to so far. */
  components(): JsonSchema;
};

/** Writes each combination of problems as one component, since most operations share theirs. */
export function createProblemWriter(schemas: SchemaWriter): ProblemWriter {
  const used = new Map<string, JsonSchema>();
  const refer = (status: number, codes: readonly ErrorCode[]): JsonSchema => {
    const name = codes.map(toName).join('Or');
    if (!used.has(name)) {
      used.set(name, {
        description: `${STATUS_CODES[status]}: ${codes.map((code) => `\`${code}\``).join(' or ')}`,
        ...describeHeaders(headersOf(status)),
        content: { 'application/problem+json': { schema: schemas.write(problem, 'output') } },
      });
    }
    return { $ref: `#/components/responses/${name}` };
  };
  return {
    write: (operation) =>
      Object.fromEntries(
        [...groupByStatus(problemCodesOf(operation))].map(([status, codes]) => [
          String(status),
          refer(status, codes),
        ]),
      ),
    components: () => Object.fromEntries([...used].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Convert `too_large` to `TooLarge`. */
const toName = (code: ErrorCode): string =>
  code.replaceAll(/(?:^|_)([a-z])/g, (_all, letter: string) => letter.toUpperCase());

function headersOf(status: number): Record<string, string> {
  if (status === 401) return { 'WWW-Authenticate': 'How to say who asks' };
  if ([409, 429, 503].includes(status)) return { 'Retry-After': 'Seconds to wait, where known' };
  return {};
}

/** Error codes that an operation may answer with: those of its kind, and its own. */
function problemCodesOf(operation: Operation): ErrorCode[] {
  const { scope, params, body, streams, problems = [] } = operation;
  const hasBody = body !== undefined || streams !== undefined;
  return [
    ...new Set<ErrorCode>([
      // Every operation refuses an unknown query parameter.
      'invalid_input',
      ...(scope === null ? [] : known('unauthorized', 'forbidden', 'rate_limited')),
      ...(params === undefined ? [] : known('not_found')),
      ...(hasBody ? known('request_timeout', 'too_large', 'unsupported_media_type') : []),
      ...problems,
      'internal',
      'unavailable',
    ]),
  ];
}

/** Narrow codes to those that exist. */
const known = (...codes: readonly string[]): ErrorCode[] =>
  codes.filter((code): code is ErrorCode => Object.hasOwn(errorCodes, code));

/** Group codes by their HTTP status. */
function groupByStatus(codes: readonly ErrorCode[]): ReadonlyMap<number, ErrorCode[]> {
  const groups = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = errorCodes[code];
    const group = groups.get(status);
    if (group === undefined) groups.set(status, [code]);
    else group.push(code);
  }
  return groups;
}
