import { type AppError, invalidInput } from '@umbra/shared/errors';
import { quoteName, type Values } from './database.js';
import { type FieldKind, type FieldKinds, findKind, rowKinds, states } from './fields.js';

/** A condition of SQL, whose values are bound and never part of its text. */
export type Condition = { readonly sql: string; readonly values: Values };

type KnownField = { readonly name: string; readonly kind: FieldKind };
type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | '~';

const form = /^([A-Za-z.]+)(!=|<=|>=|=|<|>|~)(.*)$/s;
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const maxInteger = 2 ** 31 - 1;

/** Reads a filter. @throws {AppError} `invalid_input` saying what was expected. */
export type FilterParser = (text: string) => Condition;

/**
 * Read filters, `FIELD OP VALUE` without spaces between them, of the fields that there are.
 *
 * No value after `=` or `!=` stands for a row that has none in that field.
 */
export const filterParser =
  (kinds: FieldKinds): FilterParser =>
  (text) => {
    const [, name = '', operator = '', value = ''] = form.exec(text) ?? [];
    if (name === '') throw bad(`FIELD OP VALUE, such as drop>=0.1, got '${cut(text)}'`);
    const kind = findKind(kinds, name);
    if (kind === undefined) {
      throw bad(`a field of rows (${Object.keys(kinds).join(', ')}), got '${cut(name)}'`);
    }
    return conditionOf({ name, kind }, operator as Operator, value.normalize('NFC'));
  };

/** Read a filter of a job's rows. */
export const parseFilter = filterParser(rowKinds);

function conditionOf(field: KnownField, operator: Operator, value: string): Condition {
  const { name, kind } = field;
  const column = quoteName(name);
  if (value === '') {
    if (operator === '=') return { sql: `${column} IS NULL`, values: [] };
    if (operator === '!=') return { sql: `${column} IS NOT NULL`, values: [] };
    throw bad(`a value after ${name}${operator}, got none`);
  }
  switch (kind) {
    case 'text':
      return operator === '~' ? contains(column, value) : compare(column, operator, '?', value);
    case 'state':
      if (!states.includes(value)) throw bad(`a state (${states.join(', ')}), got '${cut(value)}'`);
      return compare(column, equality(field, operator), '?', value);
    case 'flag': {
      if (value !== 'true' && value !== 'false') {
        throw bad(`true or false after ${name}${operator}, got '${cut(value)}'`);
      }
      return compare(column, equality(field, operator), '?', value === 'true');
    }
    case 'list': {
      if (operator === '~') return contains(column, value);
      const has = `contains(chr(10) || ${column} || chr(10), chr(10) || ? || chr(10))`;
      const isIn = equality(field, operator) === '=';
      return { sql: isIn ? has : `NOT coalesce(${has}, false)`, values: [value] };
    }
    case 'integer':
    case 'number':
      return compareNumber(field, operator, value);
  }
}

function compareNumber({ name, kind }: KnownField, operator: Operator, text: string): Condition {
  if (operator === '~') throw bad(`= != < <= > or >= after ${name}, got ~`);
  const value = Number(text);
  if (!decimal.test(text) || !Number.isFinite(value)) {
    throw bad(`a number after ${name}${operator}, got '${cut(text)}'`);
  }
  const isInteger = kind === 'integer' && Number.isInteger(value) && Math.abs(value) <= maxInteger;
  const place = isInteger ? 'CAST(? AS INTEGER)' : 'CAST(? AS DOUBLE)';
  return compare(quoteName(name), operator, place, value);
}

/** What has no value is other than any value. */
const compare = (
  column: string,
  operator: Operator,
  place: string,
  value: Values[number],
): Condition => ({
  sql: `${column} ${operator === '!=' ? 'IS DISTINCT FROM' : operator} ${place}`,
  values: [value],
});

const contains = (column: string, value: string): Condition => ({
  sql: `contains(lower(${column}), lower(?))`,
  values: [value],
});

function equality({ name }: KnownField, operator: Operator): '=' | '!=' {
  if (operator === '=' || operator === '!=') return operator;
  throw bad(`= or != after ${name}, got ${operator}`);
}

const bad = (expected: string): AppError => invalidInput(`where: Expected ${expected}`);
const cut = (text: string): string => text.slice(0, 64);

/** All of some conditions. */
export const allOf = (conditions: readonly Condition[]): Condition => ({
  sql: conditions.length === 0 ? 'true' : conditions.map(({ sql }) => `(${sql})`).join(' AND '),
  values: conditions.flatMap(({ values }) => values),
});
