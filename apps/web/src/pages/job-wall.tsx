import {
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { isEnded, type JobStatus } from '../api/jobs.js';
import type { WallRow } from '../api/rows.js';
import { formatCount } from '../lib/format.js';
import { toggleFilters, type WallQuery } from '../lib/wall-query.js';
import { Empty, Loading, Trouble } from '../parts/states.js';
import { JobFacets, wordsOfFilter } from './job-facets.js';
import { JobGrid } from './job-grid.js';
import type { Measure } from './job-tile.js';
import { ChosenFilters, WallBar } from './job-wall-bar.js';
import { useBands } from './use-bands.js';
import { useWallQuery } from './use-wall-query.js';
import {
  isOpen,
  useEdition,
  useFacets,
  useFreshRows,
  useWallNews,
  useWallRows,
  type WallNews,
  type WallRows,
} from './use-wall-rows.js';

const measures: readonly string[] = ['flips', 'borderShare', 'score'] satisfies Measure[];

/** A job's images, sorted and filtered as the address says. */
export function JobWall({ job }: { readonly job: JobStatus }) {
  const { query, at, change, remember } = useWallQuery();
  const [edition, beginAnew] = useEdition(job);
  const rows = useWallRows(job, query, edition);
  const facets = useFacets(job, query);
  const [shown, setShown] = useState<readonly WallRow[]>([]);
  useFreshRows(job, { query, edition, shown });
  useBandsInSight(job, shown);
  const list = JSON.stringify([query, edition, job.attempt]);
  const [firstList] = useState(list);
  const isOfList = !facets.isPlaceholderData && facets.dataUpdatedAt > edition;
  const news = useWallNews(list, query, isOfList ? facets.data : undefined);
  const section = useRef<HTMLElement>(null);
  const toTop = () => {
    if (isAbove(section.current)) section.current?.scrollIntoView();
  };
  const show = () => {
    beginAnew();
    toTop();
  };
  useShownAtEnd(job, news, section, beginAnew);
  const set = (to: Partial<WallQuery>) => {
    change(to);
    toTop();
  };
  if (job.counts.total === 0) {
    return (
      <Empty title="No images yet">
        {isEnded(job)
          ? 'This job ended before its dataset was read.'
          : 'Their dataset is being read.'}
      </Empty>
    );
  }
  const field = query.sort.replace('-', '');
  return (
    <section className="wall-page" ref={section} aria-labelledby="wall-title">
      <h2 id="wall-title" className="section-title">
        Images
      </h2>
      <WallBar {...{ job, query, news }} total={facets.data?.total} onSet={set} onShow={show} />
      <ChosenFilters
        where={query.where}
        wordsOf={(one) => wordsOfFilter(one, facets.data)}
        onSet={set}
      />
      <div className="wall-columns">
        <details className="wall-side" open={isWide()}>
          <summary>Filters</summary>
          {facets.data !== undefined && (
            <JobFacets
              facets={facets.data}
              where={query.where}
              onToggle={(filters) => set({ where: toggleFilters(query.where, filters) })}
            />
          )}
        </details>
        <div className="wall-main">
          <WallList rows={rows} where={query.where} onSet={set}>
            <JobGrid
              key={list}
              {...{ job, rows }}
              at={list === firstList ? at : null}
              measure={measures.includes(field) ? (field as Measure) : null}
              onOpen={remember}
              onShown={setShown}
            />
          </WallList>
        </div>
      </div>
    </section>
  );
}

const isWide = () => matchMedia('(min-width: 52rem)').matches;
const isAbove = (element: HTMLElement | null) =>
  element !== null && element.getBoundingClientRect().top < 0;

/** Hear the bands of the images in sight that have not ended. */
function useBandsInSight(job: JobStatus, shown: readonly WallRow[]): void {
  const open = useMemo(() => new Set(shown.filter(isOpen).map(({ id }) => id)), [shown]);
  const wants = useCallback((image: string) => open.has(image), [open]);
  useBands({ job: job.id, wants, isOn: !isEnded(job) && open.size > 0 });
}

/** At a job's end, its list is begun anew for a reader who is at its beginning; others are told that they may. */
function useShownAtEnd(
  job: JobStatus,
  { hasMoved }: WallNews,
  section: RefObject<HTMLElement | null>,
  beginAnew: () => void,
): void {
  const hasEnded = isEnded(job);
  useEffect(() => {
    if (!hasEnded || !hasMoved || isAbove(section.current)) return;
    if (section.current?.querySelector('.wall')?.contains(document.activeElement)) return;
    beginAnew();
  });
}

type WallListProps = {
  readonly rows: WallRows;
  readonly where: readonly string[];
  readonly onSet: (to: Partial<WallQuery>) => void;
  readonly children: ReactNode;
};

/** The grid, or what there is instead of it. */
function WallList({ rows, where, onSet, children }: WallListProps) {
  const { count, error, hidden, retry } = rows;
  if (count === undefined) {
    return error === null ? (
      <Loading what="the images" />
    ) : (
      <>
        <Trouble error={error} onRetry={retry} />
        {where.length > 0 && <ClearButton onSet={onSet} />}
      </>
    );
  }
  if (count === 0) {
    return <Empty title="No image fits">{where.length > 0 && <ClearButton onSet={onSet} />}</Empty>;
  }
  return (
    <>
      {children}
      {error !== null && <Trouble error={error} onRetry={retry} />}
      {hidden > 0 && (
        <p className="note">
          {formatCount(hidden, 'image')} more: sort or filter to see them, or take the table.
        </p>
      )}
    </>
  );
}

const ClearButton = ({ onSet }: Pick<WallListProps, 'onSet'>) => (
  <button type="button" className="button" onClick={() => onSet({ where: [] })}>
    Remove all filters
  </button>
);
