import { quoteName } from './database.js';
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
export async function queryPage(
  { within, table }: OpenIndex,
  { conditions, sorting, limit, cursor }: PageQuery,
  signal: AbortSignal,
): Promise<RowPage> {
  const filter = allOf(conditions);
  const place = cursor === undefined ? null : decodeCursor(sorting, cursor);
  const paged = place === null ? filter : allOf([...conditions, after(sorting, place)]);
  return within(signal, async (session) => {
    const found = await session.read(
      `SELECT ${rowJson}, ${quoteName(sorting.field)}, "index" FROM (
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
      rows: page.map(([json]) => String(json)),
      nextCursor:
        found.length > limit && last !== undefined
          ? encodeCursor(sorting, { value: last[1] as RowPlace['value'], index: Number(last[2]) })
          : null,
      total: Number(counted[0]?.[0]),
    };
  });
}
