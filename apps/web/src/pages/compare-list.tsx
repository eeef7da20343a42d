import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import {
  type ComparedRow,
  type ImageRow,
  type JobComparison,
  listCompared,
} from '../api/compare.js';
import { filePath } from '../api/images.js';
import {
  type CompareState,
  formatComparison,
  type SortName,
  shows,
  sorts,
} from '../lib/compare-state.js';
import { formatDrop, formatPercent } from '../lib/format.js';
import { Pick } from '../parts/choices.js';
import { Empty, Loading, Trouble } from '../parts/states.js';
import { type ComparedJobs, type CompareProps, comparedKey } from './compare-jobs.js';

const pageSize = 30;

/** The photos of both jobs by pages, as they are ordered and filtered. */
export function useComparedRows(
  jobs: ComparedJobs,
  { sort, show }: CompareState,
  counts: JobComparison | undefined,
) {
  return useInfiniteQuery({
    // What is counted changes as the jobs go on.
    queryKey: ['compared', ...comparedKey(jobs), sort, show, counts?.completed],
    queryFn: ({ pageParam, signal }) =>
      listCompared(
        { a: jobs.a.id, b: jobs.b.id },
        {
          ...{ sort: sorts[sort].sort, where: shows[show], limit: pageSize },
          ...(pageParam !== '' && { cursor: pageParam }),
        },
        signal,
      ),
    enabled: counts !== undefined && counts.both > 0,
    initialPageParam: '',
    getNextPageParam: ({ next_cursor }) => next_cursor,
    placeholderData: keepPreviousData,
  });
}

type ComparedListProps = CompareProps & {
  readonly jobs: ComparedJobs;
  readonly listed: ReturnType<typeof useComparedRows>;
};

/** The photos of both jobs, those that changed most first. */
export function ComparedList({ jobs, listed, state, change }: ComparedListProps) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = listed;
  const rows = rowsOf(listed);
  return (
    <section className="section">
      <div className="section-head compare-list-head">
        <h2>Photos</h2>
        <Pick
          label="Order"
          value={state.sort}
          choices={Object.entries(sorts).map(([value, { label }]) => ({ value, label }))}
          onChange={(next) => change({ sort: next as SortName })}
        />
      </div>
      {data === undefined && error === null && <Loading what="the photos" />}
      {data === undefined && error !== null && (
        <Trouble error={error} onRetry={() => void refetch()} />
      )}
      {data !== undefined && rows.length === 0 && (
        <Empty title="None">No photo of both jobs is like that.</Empty>
      )}
      <ul className="compare-list">
        {rows.map((row) => (
          <ComparedItem key={row.id} row={row} jobs={jobs} state={state} />
        ))}
      </ul>
      {data !== undefined && error !== null && (
        <Trouble error={error} onRetry={() => void fetchNextPage()} />
      )}
      {hasNextPage && error === null && (
        <button
          type="button"
          className="button more"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Show more
        </button>
      )}
    </section>
  );
}

/** All rows that are there. */
export const rowsOf = ({ data }: ReturnType<typeof useComparedRows>): readonly ComparedRow[] =>
  data?.pages.flatMap((page) => page.data) ?? [];

type ComparedItemProps = Omit<CompareProps, 'change'> & {
  readonly row: ComparedRow;
  readonly jobs: ComparedJobs;
};

function ComparedItem({ row, jobs, state }: ComparedItemProps) {
  const { difference } = row;
  const moved =
    difference.distance === null || difference.distanceShare === null
      ? '–'
      : `${Math.round(difference.distance)} px (${formatPercent(difference.distanceShare)})`;
  return (
    <li>
      <Link
        className="compare-item"
        href={hrefOf(state, row.id)}
        aria-current={state.image === row.id ? 'true' : undefined}
      >
        <span className="compare-pictures">
          <PairPicture job={jobs.a.id} row={row} />
          <PairPicture job={jobs.b.id} row={row.other} />
        </span>
        <span className="list-words">
          <span className="list-name">{row.name}</span>
          <span className="note">{predictionWords(row)}</span>
        </span>
        <span className="compare-number">
          <span className="note">Score B − A</span> {formatDrop(difference.score ?? Number.NaN)}
        </span>
        <span className="compare-number">
          <span className="note">Drop B − A</span> {formatDrop(difference.drop ?? Number.NaN)}
        </span>
        <span className="compare-number">
          <span className="note">Patch moved</span> {moved}
        </span>
      </Link>
    </li>
  );
}

/** Address of a photo of the comparison, or of the list alone. */
export const hrefOf = (state: CompareState, image: string | null): string =>
  `/compare?${formatComparison({ ...state, image, at: null, target: null })}`;

function PairPicture({
  job,
  row: { id, state },
}: {
  readonly job: string;
  readonly row: ImageRow;
}) {
  const path = state === 'completed' ? filePath({ job, image: id }, 'thumbnail.webp') : null;
  return (
    <span className="tile-picture" data-state={state}>
      {path !== null && <img src={path} alt="" loading="lazy" />}
    </span>
  );
}

/** `tabby → lynx`, with what is right where that is known; or what became of the image. */
export function predictionWords(row: Pick<ComparedRow, 'difference' | 'other'> & ImageRow): string {
  const [a, b] = [decisionOf(row), decisionOf(row.other)];
  return row.difference.predicted === false ? `${a} in both` : `${a} → ${b}`;
}

/** What a job makes of an image, in words. */
export function decisionOf({ state, predicted, isRight }: ImageRow): string {
  if (state !== 'completed') return stateWords[state];
  if (predicted === null) return 'finished';
  const name = predicted.aboveThreshold === false ? 'no class' : predicted.label;
  return isRight === null ? name : `${name} (${isRight ? 'right' : 'wrong'})`;
}

const stateWords = {
  pending: 'not run yet',
  running: 'running',
  failed: 'failed',
} as const;
