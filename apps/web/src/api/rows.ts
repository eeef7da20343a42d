import type { ImageRow, RowFacets } from '@umbra/shared/contracts/row';
import type { WallQuery } from '../lib/wall-query.js';
import { askJson, queryOf } from './http.js';
import type { ListPage } from './page.js';

export type { RowFacets };

/** What is shown of a row: a list may have a hundred thousand of them. */
export type WallRow = Pick<
  ImageRow,
  | 'id'
  | 'index'
  | 'name'
  | 'state'
  | 'error'
  | 'predicted'
  | 'isRight'
  | 'score'
  | 'drop'
  | 'flips'
  | 'borderShare'
>;

/** A page of rows. */
export type RowsPage = ListPage<WallRow> & {
  /** Rows that fit, on all pages. */
  readonly total: number;
};

export type RowsAsked = WallQuery & {
  readonly limit: number;
  /** As the page before gave it; empty for the first. */
  readonly cursor?: string;
};

/** List a page of a job's rows. */
export async function listRows(
  job: string,
  { sort, where, limit, cursor }: RowsAsked,
  signal?: AbortSignal,
): Promise<RowsPage> {
  const query = queryOf({ sort, where, limit, cursor: cursor || undefined });
  const page = await askJson<RowsPage>(`/v1/jobs/${job}/rows${query}`, signal && { signal });
  return { ...page, data: page.data.map(shownOf) };
}

/** Field by field: objects of one shape take a fraction of the memory of those made of entries. */
const shownOf = (row: WallRow): WallRow => {
  const { id, index, name, state, error, predicted, isRight } = row;
  const { score, drop, flips, borderShare } = row;
  return { id, index, name, state, error, predicted, isRight, score, drop, flips, borderShare };
};

/** Count the rows that fit. @param limit Values of each facet, the most frequent first. */
export const readFacets = (
  job: string,
  { where, limit }: { readonly where: readonly string[]; readonly limit: number },
  signal?: AbortSignal,
): Promise<RowFacets> =>
  askJson(`/v1/jobs/${job}/rows/facets${queryOf({ where, limit })}`, signal && { signal });

export const tableForms = ['csv', 'jsonl', 'parquet'] as const;
export type RowTableForm = (typeof tableForms)[number];

/** Address of a table of all rows that fit. */
export const tablePath = (job: string, form: RowTableForm, { sort, where }: WallQuery): string =>
  `/v1/jobs/${job}/rows.${form}${queryOf({ sort, where })}`;
