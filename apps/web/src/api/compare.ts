import type { ComparedRow, JobComparison, RowDifference } from '@umbra/shared/contracts/comparison';
import type { ImageRow } from '@umbra/shared/contracts/row';
import { askJson } from './http.js';
import type { ListPage } from './page.js';

export type { ComparedRow, ImageRow, JobComparison, RowDifference };

/** Ids of the jobs that are compared. */
export type JobIds = { readonly a: string; readonly b: string };

export type ComparedQuery = {
  readonly sort: string;
  /** All must hold: `FIELD OP VALUE`. */
  readonly where: readonly string[];
  readonly limit: number;
  readonly cursor?: string;
};

const pathOf = ({ a, b }: JobIds): string => `/v1/jobs/${a}/compare/${b}`;

/** Count how two jobs differ. */
export const countDifferences = (jobs: JobIds, signal?: AbortSignal): Promise<JobComparison> =>
  askJson(pathOf(jobs), signal && { signal });

/** A page of the images that both jobs have, with what differs. */
export function listCompared(
  jobs: JobIds,
  { sort, where, limit, cursor }: ComparedQuery,
  signal?: AbortSignal,
): Promise<ListPage<ComparedRow> & { readonly total: number }> {
  const query = new URLSearchParams({ sort, limit: String(limit), ...(cursor && { cursor }) });
  for (const one of where) query.append('where', one);
  return askJson(`${pathOf(jobs)}/rows?${query}`, signal && { signal });
}
