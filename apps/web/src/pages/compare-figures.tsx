import { type ReactNode, useId, useMemo } from 'react';
import { Link } from 'wouter';
import { layOutCells } from '../heat/cell-layout.js';
import { dropAt, limitOf } from '../heat/cells.js';
import { ColourScale } from '../heat/colour-scale.js';
import type { DifferenceMap, PlacedMap } from '../heat/difference.js';
import { centreOf, Heat } from '../heat/heat.js';
import { cellUnder, type Point, toPhotoPoint } from '../heat/photo-point.js';
import { Readout } from '../heat/readout.js';
import type { CompareState } from '../lib/compare-state.js';
import { formatDrop } from '../lib/format.js';
import type { Cell } from '../lib/view-state.js';
import type { CompareProps } from './compare-jobs.js';
import { classNamer, predictedIndexOf } from './result-files.js';
import type { ImageSide } from './use-image-side.js';

type LinkedProps = CompareProps & {
  readonly photo: string | null;
  /** Where it is pointed at, px of the photo. */
  readonly at: Point | null;
  readonly setAt: (at: Point | null) => void;
};

type LinkedHeatProps = LinkedProps & {
  readonly map: PlacedMap;
  readonly limit: number;
  readonly what?: string;
  /** What tells the numbers of a cell. */
  readonly children: (cell: Cell | null, id: string) => ReactNode;
};

/** A map whose cursor is the cell that covers the place that any of the maps is pointed at. */
function LinkedHeat({
  map,
  limit,
  what,
  children,
  photo,
  at,
  setAt,
  state,
  change,
}: LinkedHeatProps) {
  const readoutId = useId();
  const { cells, grid, place } = map;
  const layout = useMemo(() => layOutCells(grid), [grid]);
  const cellAtPoint = (point: CompareState['at']) =>
    point === null ? null : cellUnder(point, layout, place.toPhoto);
  const [cursor, pin] = [cellAtPoint(at), cellAtPoint(state.at)];
  const pinAt = (cell: Cell | null) => {
    const isSame = cell?.row === pin?.row && cell?.column === pin?.column;
    const centre = cell === null || isSame ? null : centreOf(layout, cell);
    change({ at: centre === null ? null : toPhotoPoint(centre, place.toPhoto) });
  };
  return (
    <>
      <Heat
        {...{ cells, grid, place, photo, limit, cursor, readoutId }}
        {...(what !== undefined && { what })}
        view={{ ...state.view, pin }}
        onCursor={(_, point) => setAt(point === null ? null : toPhotoPoint(point, place.toPhoto))}
        onPin={pinAt}
      />
      {children(at === null ? pin : cursor, readoutId)}
    </>
  );
}

type SideFigureProps = LinkedProps & {
  readonly name: string;
  readonly side: ImageSide;
  readonly placed: PlacedMap;
  readonly limit: number;
};

/** A job's map of the photo. */
export function SideFigure({ name, side, placed, limit, ...linked }: SideFigureProps) {
  const { progress, job, of } = side;
  const { grid, place, cells } = placed;
  const nameOf = useMemo(
    () => (progress === undefined ? String : classNamer(progress)),
    [progress],
  );
  const predicted = progress === undefined ? null : predictedIndexOf(progress);
  return (
    <figure className="compare-figure" aria-label={`Map ${name}`}>
      <figcaption>
        <Link href={`/jobs/${of.job}/images/${of.image}`}>
          {name} · {job.model.name}
        </Link>
        <span className="note">
          patch {grid.patch.width} × {grid.patch.height}, stride {grid.stride.x} × {grid.stride.y}{' '}
          px
        </span>
      </figcaption>
      <LinkedHeat map={placed} limit={limit} {...linked}>
        {(cell, id) => (
          <>
            <ColourScale limit={limit} />
            <Readout {...{ id, cell, cells, grid, place, nameOf, predicted }} />
          </>
        )}
      </LinkedHeat>
    </figure>
  );
}

const differenceWords = { blue: 'blue: drops less in B', red: 'red: drops more in B' };

type DifferenceFigureProps = LinkedProps & { readonly difference: DifferenceMap };

/** What the two maps differ by. */
export function DifferenceFigure({ difference, ...linked }: DifferenceFigureProps) {
  const { cells, isResampled } = difference;
  const limit = useMemo(() => limitOf([cells]), [cells]);
  return (
    <figure className="compare-figure" aria-label="Difference">
      <figcaption>
        Drop in B minus drop in A
        <span className="note">
          {isResampled
            ? 'The grids differ: each cell of the finer one, with the nearest cell of the other'
            : 'Cell by cell'}
        </span>
      </figcaption>
      <LinkedHeat map={difference} limit={limit} what="Differences" {...linked}>
        {(cell, id) => (
          <>
            <ColourScale limit={limit} words={differenceWords} />
            <div className="readout" id={id} aria-live="polite" aria-atomic="true">
              {cell === null ? (
                <p className="readout-hint">Point at a map to read all three.</p>
              ) : (
                <dl>
                  <div>
                    <dt>Difference</dt>
                    <dd data-testid="difference">
                      {formatDrop(dropAt(cells, cell.row * cells.columns + cell.column))}
                    </dd>
                  </div>
                </dl>
              )}
            </div>
          </>
        )}
      </LinkedHeat>
    </figure>
  );
}
