import {
  type InfiniteData,
  keepPreviousData,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { isEnded, type JobStatus } from '../api/jobs.js';
import { askEach } from '../api/polling.js';
import { listRows, type RowFacets, type RowsPage, readFacets, type WallRow } from '../api/rows.js';
import { givenFilters, isMoving, rangesOf, type WallQuery } from '../lib/wall-query.js';

/** Rows of a page: some screens of them, and some hundred kilobytes. */
const pageRows = 500;
/** As many as browsers give room to, 3 in a line; whoever has more sorts or filters. */
const maxRows = 200_000;
/** Values of a facet that are asked for. */
const maxValues = 100;
const facetsMs = 2_000;
const freshMs = 1_000;
/** Most pages that are asked for at once to bring what is in sight up to date, and the rows of each. */
const maxFreshPages = 8;
const freshRows = 1_000;

/** A job's rows as a list that never moves by itself: what came since it was begun is told beside it. */
export type WallRows = {
  /** Rows that there are, most of which are asked for when they come near; undefined before the first answer. */
  readonly count: number | undefined;
  /** Rows that there are more of than are shown. */
  readonly hidden: number;
  /** The row at a position; undefined while it is not there yet. */
  rowAt(position: number): WallRow | undefined;
  /** Rows that are there, from the first one on. */
  readonly loaded: number;
  /** Whether the list of another sort or filter is shown until this one is there. */
  readonly isOld: boolean;
  readonly error: Error | null;
  retry(): void;
  /** Ask for the next page, unless it is on its way. */
  readMore(): void;
};

const keyOf = (job: JobStatus, query: WallQuery, edition: Edition) =>
  ['rows', job.id, job.attempt, query, edition] as const;

/**
 * Tells lists of the same query apart: when one was begun, ms since 1970; 0 for those of an ended job, which are
 * the same whenever they are begun.
 */
export type Edition = number;

/** The edition of a list, and a way to begin it anew. */
export function useEdition(job: JobStatus): [Edition, () => void] {
  const begin = () => (isEnded(job) ? 0 : Date.now());
  const [edition, setEdition] = useState<Edition>(begin);
  // The job was retried: what was begun at its end is final no more.
  if (edition === 0 && !isEnded(job)) setEdition(begin());
  return [edition, () => setEdition(begin())];
}

export function useWallRows(job: JobStatus, query: WallQuery, edition: Edition): WallRows {
  const rows = useInfiniteQuery({
    queryKey: keyOf(job, query, edition),
    queryFn: ({ pageParam, signal }) =>
      listRows(job.id, { ...query, limit: pageRows, cursor: pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: ({ next_cursor }) => next_cursor,
    enabled: job.counts.total > 0,
    // Asked again, every page of it would be, and rows would move under the reader.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    // Rows that are there do not change: with each page, all of them would be compared.
    structuralSharing: false,
    placeholderData: keepPreviousData,
  });
  const { data, error, hasNextPage, isFetching, isPlaceholderData, refetch, fetchNextPage } = rows;
  return useMemo(() => {
    const pages = data?.pages ?? [];
    const loaded = pages.reduce((sum, page) => sum + page.data.length, 0);
    const total = hasNextPage ? Math.max(pages[0]?.total ?? 0, loaded) : loaded;
    const count = Math.min(total, maxRows);
    return {
      count: data === undefined ? undefined : count,
      hidden: total - count,
      rowAt: (position) => pages[Math.floor(position / pageRows)]?.data[position % pageRows],
      loaded,
      isOld: isPlaceholderData,
      error,
      retry: () => void (data === undefined ? refetch() : fetchNextPage()),
      readMore() {
        if (hasNextPage && !isFetching && error === null) void fetchNextPage();
      },
    };
  }, [data, error, hasNextPage, isFetching, isPlaceholderData, refetch, fetchNextPage]);
}

/** How many of a job's rows say what, of those that fit. */
export function useFacets(job: JobStatus, { where }: WallQuery) {
  const hasEnded = isEnded(job);
  return useQuery({
    queryKey: ['facets', job.id, job.attempt, where, hasEnded],
    queryFn: ({ signal }) => readFacets(job.id, { where, limit: maxValues }, signal),
    enabled: job.counts.total > 0,
    refetchInterval: askEach<RowFacets>(() => (hasEnded ? false : facetsMs)),
    placeholderData: keepPreviousData,
  });
}

/**
 * Bring rows in sight that have not ended up to date where they are, until the job has ended.
 *
 * @param shown Rows in sight.
 */
export function useFreshRows(
  job: JobStatus,
  {
    query,
    edition,
    shown,
  }: {
    readonly query: WallQuery;
    readonly edition: Edition;
    readonly shown: readonly WallRow[];
  },
): void {
  const queries = useQueryClient();
  const hasEnded = isEnded(job);
  const open = shown.filter(isOpen).map(({ index }) => index);
  const ranges = rangesOf(open, freshRows).slice(0, maxFreshPages);
  const { data } = useQuery({
    queryKey: ['fresh rows', job.id, job.attempt, query.where, ranges, hasEnded],
    queryFn: async ({ signal }) => {
      const pages = await Promise.all(
        ranges.map(({ first, last }) => {
          const where = [
            ...givenFilters(query.where).slice(0, 14),
            ...[`index>=${first}`, `index<=${last}`],
          ];
          return listRows(job.id, { sort: 'index', where, limit: freshRows }, signal);
        }),
      );
      return pages.flatMap((page) => page.data);
    },
    enabled: ranges.length > 0 && edition !== 0,
    refetchInterval: askEach<unknown>(() => (hasEnded ? false : freshMs)),
    staleTime: hasEnded ? Number.POSITIVE_INFINITY : 0,
    gcTime: 0,
  });
  const key = JSON.stringify(keyOf(job, query, edition));
  useEffect(() => {
    if (data === undefined) return;
    const byId = new Map(data.map((row) => [row.id, row]));
    queries.setQueryData<InfiniteData<RowsPage>>(JSON.parse(key), (list) =>
      list === undefined
        ? undefined
        : { ...list, pages: list.pages.map((page) => freshen(page, byId)) },
    );
  }, [queries, data, key]);
}

/** Whether a row's image has not ended yet. */
export const isOpen = ({ state }: WallRow): boolean => state === 'pending' || state === 'running';

function freshen(page: RowsPage, byId: ReadonlyMap<string, WallRow>): RowsPage {
  const isSame = (row: WallRow) =>
    !isOpen(row) || (byId.get(row.id)?.state ?? row.state) === row.state;
  if (page.data.every(isSame)) return page;
  return { ...page, data: page.data.map((row) => (isSame(row) ? row : (byId.get(row.id) ?? row))) };
}

/** What came since a list was begun: images that ended, and whether others fit now. */
export type WallNews = { readonly ended: number; readonly hasMoved: boolean };

const endedIn = ({ states }: RowFacets): number =>
  states.reduce(
    (sum, { state, count }) => sum + (state === 'completed' || state === 'failed' ? count : 0),
    0,
  );

type Begun = { readonly list: string; readonly ended: number; readonly total: number };

/** @param list Names the list that is shown. @param facets What is known now; undefined while it is of another list. */
export function useWallNews(
  list: string,
  query: WallQuery,
  facets: RowFacets | undefined,
): WallNews {
  const [begun, setBegun] = useState<Begun | null>(null);
  if (facets !== undefined && begun?.list !== list) {
    setBegun({ list, ended: endedIn(facets), total: facets.total });
  }
  if (facets === undefined || begun?.list !== list || !isMoving(query)) return noNews;
  const ended = Math.max(0, endedIn(facets) - begun.ended);
  return { ended, hasMoved: ended > 0 || facets.total !== begun.total };
}

const noNews: WallNews = { ended: 0, hasMoved: false };
