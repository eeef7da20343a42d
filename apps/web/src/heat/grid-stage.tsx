import type { Grid } from '@umbra/shared/occlusion/grid';
import { useMemo } from 'react';
import type { Cell } from '../lib/view-state.js';
import { layOutCells } from './cell-layout.js';
import { type PhotoPlace, Stage } from './heat.js';

export type GridStageProps = {
  readonly grid: Grid;
  readonly place: PhotoPlace;
  /** Address of the photo. */
  readonly photo: string;
  /** Where the patch is. */
  readonly cell: Cell;
  readonly onCell: (cell: Cell) => void;
  /** Id of what tells where that is. */
  readonly readoutId: string;
};

/** A photo with the cells of a grid over it, and the patch at one of them, which follows pointers and keys. */
export function GridStage({ grid, cell, onCell, ...shown }: GridStageProps) {
  const stay = (next: Cell | null) => next !== null && onCell(next);
  return (
    <Stage
      {...shown}
      grid={grid}
      layer="photo"
      pin={null}
      cursor={cell}
      onCursor={stay}
      onPin={stay}
      label={`A grid of ${grid.rows} by ${grid.columns} positions. Arrow keys move the patch.`}
    >
      <GridLines grid={grid} />
    </Stage>
  );
}

/** With more lines the photo would not be seen for them: they are fainter. */
const maxClearLines = 32;

/** Borders of the cells: each pixel is in the cell of the patch whose centre is nearest. */
function GridLines({ grid }: { readonly grid: Grid }) {
  const { height, width } = grid.image;
  const path = useMemo(() => {
    const { yBorders, xBorders } = layOutCells(grid);
    const rows = yBorders.slice(1, -1).map((y) => `M0 ${y}H${width}`);
    const columns = xBorders.slice(1, -1).map((x) => `M${x} 0V${height}`);
    return [...rows, ...columns].join('');
  }, [grid, height, width]);
  return (
    <svg
      className="grid-lines"
      data-dense={Math.max(grid.rows, grid.columns) > maxClearLines}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path className="grid-line-shade" d={path} />
      <path className="grid-line" d={path} />
    </svg>
  );
}
