import { STATUS_CODES } from 'node:http';
import { refusal } from '@umbra/shared/contracts/dataset';
import { type ErrorCode, errorCodes } from '@umbra/shared/errors';
import { z } from 'zod';
import type { Operation } from '../http/operation.js';
import { describeHeaders } from './headers.js';
import type { JsonSchema, SchemaWriter } from './schemas.js';

/** RFC 9457: what every answer but the wanted one says. */
export const problem = z
  .looseObject({
    type: z.string().meta({ description: '`urn:umbra:problem:` and the code' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'What, where, and what was expected' }),
    instance: z.string(),
    code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
    requestId: z.string().meta({ description: 'Names the request in the log' }),
    errors: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Every place where the input is not as it must be' }),
    refusals: z
      .array(refusal)
      .optional()
      .meta({ description: 'Files that were not accepted, where none was' }),
  })
  .meta({ description: 'Problem details as RFC 9457 has them' });

export type ProblemWriter = {
  /** The problems of an operation, by status. */
  write(operation: Operation): JsonSchema;
  /** The responses that were referred to so far. */
  components(): JsonSchema;
};

/** Most operations share their problems: each combination is one component. */
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

/** `too_large` as `TooLarge`. */
const toName = (code: ErrorCode): string =>
  code.replaceAll(/(?:^|_)([a-z])/g, (_all, letter: string) => letter.toUpperCase());

function headersOf(status: number): Record<string, string> {
  if (status === 401) return { 'WWW-Authenticate': 'How to say who asks' };
  if ([409, 429, 503].includes(status)) return { 'Retry-After': 'Seconds to wait, where known' };
  return {};
}

/** What any request of this kind may be answered with, whatever the operation does. */
function problemCodesOf(operation: Operation): ErrorCode[] {
  const { scope, params, body, streams, problems = [] } = operation;
  const hasBody = body !== undefined || streams !== undefined;
  return [
    ...new Set<ErrorCode>([
      // No operation takes a query that it does not know.
      'invalid_input',
      ...(scope === null ? [] : known('unauthorized', 'forbidden', 'rate_limited')),
      ...(params === undefined ? [] : known('not_found')),
      ...(hasBody ? known('too_large', 'unsupported_media_type') : []),
      ...problems,
      'internal',
      'unavailable',
    ]),
  ];
}

/** Of these codes, the ones that there are. */
const known = (...codes: readonly string[]): ErrorCode[] =>
  codes.filter((code): code is ErrorCode => Object.hasOwn(errorCodes, code));

/** Codes by the status that they are answered with. */
function groupByStatus(codes: readonly ErrorCode[]): ReadonlyMap<number, ErrorCode[]> {
  const groups = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = errorCodes[code];
    groups.set(status, [...(groups.get(status) ?? []), code]);
  }
  return groups;
}
