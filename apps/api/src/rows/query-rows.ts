import { quoteName, type Session } from './database.js';
import { allOf, type Condition } from './filters.js';
import type { OpenIndex } from './job-indexes.js';
import { rowJson } from './row-json.js';
import {
  after,
  decodeCursor,
  encodeCursor,
  orderBy,
  type RowPlace,
  type Sorting,
} from './sorting.js';

export type RowQuery = {
  readonly conditions: readonly Condition[];
  readonly sorting: Sorting;
};

export type PageQuery = RowQuery & {
  readonly limit: number;
  readonly cursor: string | undefined;
};

/** A page of rows. */
export type RowPage = {
  /** JSON of each row. */
  readonly rows: readonly string[];
  readonly nextCursor: string | null;
  /** Rows that fit the filter now, on all pages. */
  readonly total: number;
};

/** List a page of rows. @throws {AppError} `invalid_input` for a bad cursor. */
export const queryPage = (
  { within, table }: OpenIndex,
  query: PageQuery,
  signal: AbortSignal,
): Promise<RowPage> =>
  within(signal, async (session) => {
    const { found, ...page } = await readPage(session, { table, columns: [rowJson] }, query);
    return { ...page, rows: found.map(([json]) => String(json)) };
  });

/** What a page is read of: a table, or a query of one in parentheses, and expressions of its columns. */
export type PageSource = { readonly table: string; readonly columns: readonly string[] };

/** Values of the columns, a row each. */
type FoundPage = Omit<RowPage, 'rows'> & { readonly found: readonly (readonly unknown[])[] };

/** Read a page of a table that has an `index` a row. @throws {AppError} `invalid_input` for a bad cursor. */
export async function readPage(
  session: Session,
  { table, columns }: PageSource,
  { conditions, sorting, limit, cursor }: PageQuery,
): Promise<FoundPage> {
  const filter = allOf(conditions);
  const place = cursor === undefined ? null : decodeCursor(sorting, cursor);
  const paged = place === null ? filter : allOf([...conditions, after(sorting, place)]);
  const found = await session.read(
    `SELECT ${quoteName(sorting.field)}, "index", ${columns.join(', ')} FROM (
       SELECT * FROM ${table} WHERE ${paged.sql} ORDER BY ${orderBy(sorting)} LIMIT ${limit + 1}
     ) r ORDER BY ${orderBy(sorting, 'r.')}`,
    paged.values,
  );
  // A first page that has room for more has them all.
  const isWhole = place === null && found.length <= limit;
  const counted = isWhole
    ? [[found.length]]
    : await session.read(`SELECT count(*) FROM ${table} WHERE ${filter.sql}`, filter.values);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    found: page.map((values) => values.slice(2)),
    nextCursor:
      found.length > limit && last !== undefined
        ? encodeCursor(sorting, { value: last[0] as RowPlace['value'], index: Number(last[1]) })
        : null,
    total: Number(counted[0]?.[0]),
  };
}
