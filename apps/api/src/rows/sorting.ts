import { invalidInput } from '@umbra/shared/errors';
import { z } from 'zod';
import { quoteName } from './database.js';
import { type FieldKind, type FieldKinds, findKind, rowKinds } from './fields.js';
import type { Condition } from './filters.js';

/** An order of rows: by a field, where equal by index; rows without a value come last. */
export type Sorting = {
  readonly field: string;
  readonly kind: FieldKind;
  readonly isDescending: boolean;
};

/** A row's place in an order: the value of the field, and its index. */
export type RowPlace = { readonly value: string | number | boolean | null; readonly index: number };

/**
 * Read `FIELD`, or `-FIELD` for the largest first.
 *
 * @param kinds The fields that there are.
 * @throws {AppError} `invalid_input`
 */
export function parseSorting(text: string, kinds: FieldKinds = rowKinds): Sorting {
  const isDescending = text.startsWith('-');
  const field = isDescending ? text.slice(1) : text;
  const kind = findKind(kinds, field);
  if (kind !== undefined) return { field, kind, isDescending };
  throw invalidInput(
    `sort: Expected a field of rows, with - before it for the largest first (${Object.keys(kinds).join(', ')}), got '${text.slice(0, 64)}'`,
  );
}

/** SQL after ORDER BY. @param of Name of the table and a dot, where a result has columns of the same names. */
export const orderBy = ({ field, isDescending }: Sorting, of = ''): string =>
  `${of}${quoteName(field)} ${isDescending ? 'DESC' : 'ASC'} NULLS LAST, ${of}"index"`;

/** The rows after a place: the same ones whatever is added meanwhile. */
export function after({ field, isDescending }: Sorting, { value, index }: RowPlace): Condition {
  const column = quoteName(field);
  if (value === null) {
    return { sql: `${column} IS NULL AND "index" > CAST(? AS INTEGER)`, values: [index] };
  }
  const beyond = isDescending ? '<' : '>';
  return {
    sql: `${column} ${beyond} ? OR (${column} = ? AND "index" > CAST(? AS INTEGER)) OR ${column} IS NULL`,
    values: [value, value, index],
  };
}

const cursor = z.strictObject({
  sort: z.string(),
  value: z.union([z.string(), z.number(), z.boolean()]).nullable(),
  index: z.int().min(0),
});

const nameOf = ({ field, isDescending }: Sorting): string => `${isDescending ? '-' : ''}${field}`;

/** Write a place as an opaque text. */
export const encodeCursor = (sorting: Sorting, place: RowPlace): string =>
  Buffer.from(JSON.stringify({ sort: nameOf(sorting), ...place })).toString('base64url');

/** @throws {AppError} `invalid_input` unless it is a cursor of this order. */
export function decodeCursor(sorting: Sorting, text: string): RowPlace {
  const parsed = cursor.safeParse(parseJson(Buffer.from(text, 'base64url').toString()));
  if (!parsed.success || parsed.data.sort !== nameOf(sorting) || !fits(sorting, parsed.data)) {
    throw invalidInput(`cursor: Expected a next_cursor of the same sort, '${nameOf(sorting)}'`);
  }
  return parsed.data;
}

/** Whether a place's value is one that the field may have. */
function fits({ kind }: Sorting, { value }: RowPlace): boolean {
  const type =
    kind === 'flag' ? 'boolean' : kind === 'integer' || kind === 'number' ? 'number' : 'string';
  return value === null || typeof value === type;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
