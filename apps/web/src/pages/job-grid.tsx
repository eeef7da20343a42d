import { defaultRangeExtractor, useWindowVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  memo,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import type { JobStatus } from '../api/jobs.js';
import type { WallRow } from '../api/rows.js';
import { gridOfWidth, stepOf } from '../lib/wall-grid.js';
import { type Measure, Tile } from './job-tile.js';
import type { WallRows } from './use-wall-rows.js';

export type JobGridProps = {
  readonly job: JobStatus;
  readonly rows: WallRows;
  readonly measure: Measure | null;
  /** The position to begin at; null for the beginning. */
  readonly at: number | null;
  /** Called before an image is opened, with its position. */
  readonly onOpen: (position: number) => void;
  /** Called when scrolling has ended, with what is in sight. */
  readonly onShown: (shown: readonly WallRow[]) => void;
};

/** Lines above and below the window that are there as well. */
const overscan = 3;

/** A job's images as a grid of which only what is in sight is there, for pointers and keys. */
export function JobGrid({ job, rows, measure, at, onOpen, onShown }: JobGridProps) {
  const { rowAt, readMore, loaded } = rows;
  const count = rows.count ?? 0;
  const wall = useRef<HTMLDivElement>(null);
  const { width, top } = usePlace(wall);
  const { columns, linePx, tilePx } = gridOfWidth(width);
  const lines = Math.ceil(count / columns);
  const [active, setActive] = useState(at ?? 0);
  const cursor = Math.min(active, Math.max(0, count - 1));
  const cursorLine = Math.floor(cursor / columns);
  const virtual = useWindowVirtualizer({
    count: lines,
    estimateSize: () => linePx,
    overscan,
    scrollMargin: top,
    // What has the focus must be there, wherever the window is scrolled to.
    rangeExtractor: (range) => {
      const seen = defaultRangeExtractor(range);
      return seen.includes(cursorLine) ? seen : [...seen, cursorLine].sort((a, b) => a - b);
    },
    useFlushSync: false,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is measured is of another extent.
  useLayoutEffect(() => virtual.measure(), [virtual, linePx]);
  const moveTo = useFocusMoves(wall, cursor, at !== null);
  const items = virtual.getVirtualItems();
  const { startIndex = 0, endIndex = 0 } = virtual.range ?? {};
  const [first, end] = [startIndex * columns, (endIndex + 1) * columns];
  const { isScrolling } = virtual;
  useEffect(() => {
    // Some screens ahead; and as far as the cursor, where it began far down.
    if (Math.max(end + 4 * (end - first), cursor + 1) > loaded) readMore();
  }, [first, end, cursor, loaded, readMore]);
  useEffect(() => {
    if (isScrolling) return;
    const shown = Array.from({ length: end - first }, (_, step) => rowAt(first + step));
    onShown(shown.filter((row) => row !== undefined));
  }, [isScrolling, first, end, rowAt, onShown]);
  const press = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.altKey || event.metaKey) return;
    if (event.key === 'Enter' && event.target instanceof HTMLElement) {
      event.target.querySelector('a')?.click();
      return;
    }
    const page = Math.max(1, endIndex - startIndex) * columns;
    const next = stepOf(event.key, {
      position: cursor,
      count,
      columns,
      page,
      isFar: event.ctrlKey,
    });
    if (next === null) return;
    event.preventDefault();
    setActive(next);
    moveTo(next);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a table has no lines that are not there.
    <div
      ref={wall}
      className="wall"
      role="grid"
      aria-label="Images"
      aria-rowcount={lines}
      aria-colcount={columns}
      aria-busy={rows.isOld}
      data-old={rows.isOld}
      style={{ height: virtual.getTotalSize() }}
      onKeyDown={press}
    >
      {items.map(({ index, start }) => (
        // biome-ignore lint/a11y/useSemanticElements lint/a11y/useFocusableInteractive: as above; its cells have the focus.
        <div
          key={index}
          className="wall-line"
          role="row"
          aria-rowindex={index + 1}
          style={{
            transform: `translateY(${start - top}px)`,
            gridTemplateColumns: `repeat(${columns}, ${tilePx}px)`,
          }}
        >
          {positionsOf(index, columns, count).map((position) => (
            <Cell
              key={position}
              {...{ job, position, count, measure, onOpen }}
              column={position - index * columns}
              row={rowAt(position)}
              isCursor={position === cursor}
              onFocus={setActive}
            />
          ))}
        </div>
      ))}
    </div>
  );
}

const positionsOf = (line: number, columns: number, count: number): readonly number[] =>
  Array.from(
    { length: Math.min(columns, count - line * columns) },
    (_, column) => line * columns + column,
  );

type CellProps = Pick<JobGridProps, 'job' | 'measure' | 'onOpen'> & {
  readonly position: number;
  readonly count: number;
  readonly column: number;
  readonly row: WallRow | undefined;
  readonly isCursor: boolean;
  readonly onFocus: (position: number) => void;
};

const Cell = memo(function Cell(props: CellProps) {
  const { job, position, count, column, row, measure, isCursor, onOpen, onFocus } = props;
  const open = useCallback(() => onOpen(position), [onOpen, position]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: as the grid that it is in.
    <div
      className="wall-cell"
      role="gridcell"
      aria-colindex={column + 1}
      data-position={position}
      tabIndex={isCursor ? 0 : -1}
      onFocus={() => onFocus(position)}
    >
      {row === undefined ? (
        <span className="tile-picture" />
      ) : (
        <Tile key={row.id} job={job} row={row} measure={measure} onOpen={open} />
      )}
      <span className="unseen">{placeWords(row, position, count)}</span>
    </div>
  );
});

/** What eyes see: whether it is right, and where it is. */
function placeWords(row: WallRow | undefined, position: number, count: number): string {
  const verdict = row === undefined ? 'loading, ' : (verdictWords.get(row.isRight) ?? '');
  return `${verdict}${position + 1} of ${count}`;
}

const verdictWords: ReadonlyMap<boolean | null, string> = new Map([
  [true, 'right, '],
  [false, 'wrong, '],
]);

/** Width of the wall, and its distance from the top of the page, px; both change with what is around it. */
function usePlace(wall: RefObject<HTMLElement | null>) {
  const [place, setPlace] = useState({ width: 0, top: 0 });
  useLayoutEffect(() => {
    const look = () => {
      if (wall.current === null) return;
      const box = wall.current.getBoundingClientRect();
      const [width, top] = [box.width, Math.round(box.top + window.scrollY)];
      setPlace((before) =>
        before.width === width && before.top === top ? before : { width, top },
      );
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [wall]);
  return place;
}

/**
 * Focus cells once they are there, which scrolls to them.
 *
 * @param beginsThere Whether the cursor's is focused at the beginning.
 */
function useFocusMoves(wall: RefObject<HTMLElement | null>, cursor: number, beginsThere: boolean) {
  const wanted = useRef(beginsThere ? cursor : null);
  const focusWanted = useCallback(() => {
    const cell =
      wanted.current === null
        ? null
        : wall.current?.querySelector<HTMLElement>(`[data-position="${wanted.current}"]`);
    if (cell == null) return;
    wanted.current = null;
    cell.focus();
  }, [wall]);
  useEffect(() => {
    // The layout moves the focus to the beginning of a page that was come to: after that.
    const timer = setTimeout(focusWanted, 0);
    return () => clearTimeout(timer);
  }, [focusWanted]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the cell of another cursor may be there only now.
  useEffect(focusWanted, [cursor]);
  return useCallback(
    (position: number) => {
      wanted.current = position;
      if (position === cursor) focusWanted();
    },
    [cursor, focusWanted],
  );
}
