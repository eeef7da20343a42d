import { type Box, type Grid, patchBox, type Size } from '@umbra/shared/occlusion/grid';
import type { PhotoMapping } from '@umbra/shared/occlusion/photo-box';
import {
  type CSSProperties,
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useMemo,
} from 'react';
import type { Cell, ViewState } from '../lib/view-state.js';
import { type CellLayout, cellAt, layOutCells } from './cell-layout.js';
import type { ScoreCells } from './cells.js';
import type { Point } from './photo-point.js';
import { usePainting } from './use-painting.js';

/** The upright photo, px, and the way from px of the model's input to px of it. */
export type PhotoPlace = { readonly photo: Size; readonly toPhoto: PhotoMapping };

export type HeatProps = {
  readonly cells: ScoreCells;
  readonly grid: Grid;
  /** Where the model's input lies on the photo; null where that is not known: the map stands alone. */
  readonly place: PhotoPlace | null;
  /** Address of the photo; null where there is none to show. */
  readonly photo: string | null;
  readonly view: Pick<ViewState, 'layer' | 'isSmooth' | 'opacity' | 'pin'>;
  /** End of the colour scale. */
  readonly limit: number;
  /** The cell under the pointer or the keyboard's cursor. */
  readonly cursor: Cell | null;
  /** @param point Where it is pointed at, px of the model's input; of keys, the centre of the patch. */
  readonly onCursor: (cell: Cell | null, point: Point | null) => void;
  readonly onPin: (cell: Cell | null, point: Point | null) => void;
  /** Id of what tells the cell's numbers. */
  readonly readoutId: string;
  /** What the numbers are, where they are no scores. */
  readonly what?: string;
};

/** A photo, the scores over it, and a cursor over the cells, for pointers and keys alike. */
export function Heat(props: HeatProps) {
  const { cells, grid, place, view, limit } = props;
  const photo = place === null ? null : props.photo;
  const isMap = view.layer === 'map' || photo === null;
  const canvas = usePainting(cells, grid, {
    limit,
    isSmooth: view.isSmooth,
    layer: isMap ? 'map' : 'over',
    opacity: view.opacity / 100,
  });
  return (
    <Stage
      {...props}
      photo={photo}
      layer={view.layer}
      pin={view.pin}
      label={`${props.what ?? 'Scores'} of ${cells.rows} by ${cells.columns} patches. Arrow keys move, Enter pins.`}
    >
      <canvas
        ref={canvas}
        className="stage-heat"
        data-smooth={view.isSmooth}
        hidden={view.layer === 'photo' && photo !== null}
      />
    </Stage>
  );
}

export type StageProps = Pick<
  HeatProps,
  'grid' | 'place' | 'photo' | 'cursor' | 'onCursor' | 'onPin' | 'readoutId'
> &
  Pick<ViewState, 'layer' | 'pin'> & {
    /** What it is, and its keys. */
    readonly label: string;
    /** What lies over the model's input. */
    readonly children: ReactNode;
  };

/** A photo, what lies over the part of it that the model sees, and a cursor over the cells of a grid. */
export function Stage(props: StageProps) {
  const { grid, place, photo, pin, cursor } = props;
  const layout = useMemo(() => layOutCells(grid), [grid]);
  const isAlone = place === null || photo === null;
  const whole: Size = isAlone ? grid.image : place.photo;
  const region = isAlone ? wholeOf(grid.image) : regionOf(grid.image, place);
  const pointUnder = (event: PointerEvent<HTMLDivElement>): [Cell, Point] => {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    const y = ((event.clientY - top) / height) * grid.image.height;
    const x = ((event.clientX - left) / width) * grid.image.width;
    const cell = { row: cellAt(layout.yBorders, y), column: cellAt(layout.xBorders, x) };
    return [cell, { y, x }];
  };
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const from = cursor ?? pin ?? { row: 0, column: 0 };
    const to = nextCell(event.key, from, grid);
    if (to !== null) props.onCursor(to, centreOf(layout, to));
    else if (event.key === 'Enter' || event.key === ' ') props.onPin(from, centreOf(layout, from));
    else if (event.key === 'Escape') props.onPin(null, null);
    else return;
    event.preventDefault();
  };
  return (
    <div className="stage" style={{ '--ratio': whole.width / whole.height } as CSSProperties}>
      {photo !== null && (
        <img
          className="stage-photo"
          src={photo}
          alt=""
          data-layer={props.layer}
          draggable={false}
        />
      )}
      <div
        className="stage-region"
        style={percentBox(region, whole)}
        role="application"
        aria-label={props.label}
        aria-describedby={props.readoutId}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys move a cursor over the cells.
        tabIndex={0}
        onKeyDown={move}
        onBlur={() => props.onCursor(null, null)}
        onPointerMove={(event) => props.onCursor(...pointUnder(event))}
        onPointerLeave={() => props.onCursor(null, null)}
        onClick={(event) => props.onPin(...pointUnder(event as PointerEvent<HTMLDivElement>))}
      >
        {props.children}
        {pin !== null && isCell(pin, grid) && <Patch grid={grid} cell={pin} kind="pin" />}
        {cursor !== null && isCell(cursor, grid) && (
          <Patch grid={grid} cell={cursor} kind="cursor" />
        )}
      </div>
    </div>
  );
}

type PatchProps = { readonly grid: Grid; readonly cell: Cell; readonly kind: 'pin' | 'cursor' };

const Patch = ({ grid, cell, kind }: PatchProps) => (
  <div
    className="stage-patch"
    data-kind={kind}
    style={percentBox(patchBox(grid, cell.row, cell.column), grid.image)}
  />
);

/** @returns null for a key that moves nothing. */
function nextCell(key: string, { row, column }: Cell, grid: Grid): Cell | null {
  const last = { row: grid.rows - 1, column: grid.columns - 1 };
  const to = {
    ArrowUp: { row: Math.max(0, row - 1), column },
    ArrowDown: { row: Math.min(last.row, row + 1), column },
    ArrowLeft: { row, column: Math.max(0, column - 1) },
    ArrowRight: { row, column: Math.min(last.column, column + 1) },
    Home: { row, column: 0 },
    End: { row, column: last.column },
    PageUp: { row: 0, column },
    PageDown: { row: last.row, column },
  }[key];
  return to ?? null;
}

/** The centre of a cell's patch, px of the model's input. */
export const centreOf = ({ yCentres, xCentres }: CellLayout, { row, column }: Cell): Point => ({
  y: yCentres[row] ?? 0,
  x: xCentres[column] ?? 0,
});

const isCell = ({ row, column }: Cell, { rows, columns }: Grid): boolean =>
  row < rows && column < columns;

export const wholeOf = ({ height, width }: Size): Box => ({
  top: 0,
  left: 0,
  bottom: height,
  right: width,
});

/** Where the whole input lies on the photo, in px of it and not rounded: cells divide it evenly. */
export const regionOf = ({ height, width }: Size, { toPhoto: { y, x } }: PhotoPlace): Box => ({
  top: y.offset,
  left: x.offset,
  bottom: height * y.scale + y.offset,
  right: width * x.scale + x.offset,
});

/** A box as a share of what it lies in. */
export const percentBox = (box: Box, { height, width }: Size): CSSProperties => ({
  left: `${(box.left / width) * 100}%`,
  top: `${(box.top / height) * 100}%`,
  width: `${((box.right - box.left) / width) * 100}%`,
  height: `${((box.bottom - box.top) / height) * 100}%`,
});
