import { type Grid, patchBox } from '@umbra/shared/occlusion/grid';
import { photoBoxOf } from '@umbra/shared/occlusion/photo-box';
import { formatDrop, formatFloat32 } from '../lib/format.js';
import type { Cell } from '../lib/view-state.js';
import { dropAt, type ScoreCells } from './cells.js';
import type { PhotoPlace } from './heat.js';

export type ReadoutProps = {
  readonly id: string;
  /** null where none is pointed at or pinned. */
  readonly cell: Cell | null;
  readonly cells: ScoreCells;
  readonly grid: Grid;
  readonly place: PhotoPlace | null;
  /** The predicted class's name, by its number. */
  readonly nameOf: (predictedClass: number) => string;
  /** Number of the class that is predicted without a patch, as in the cells; null while it is not known. */
  readonly predicted: number | null;
};

/** The numbers of one cell, which screen readers are told as they change. */
export function Readout({ id, cell, cells, grid, place, nameOf, predicted }: ReadoutProps) {
  const index = cell === null ? -1 : cell.row * cells.columns + cell.column;
  const score = cells.scores[index] ?? Number.NaN;
  const isKnown = !Number.isNaN(score);
  const winner = isKnown ? (cells.predictedClasses[index] ?? notRun) : notRun;
  const isFlip = predicted !== null && winner !== predicted && winner !== notRun;
  return (
    <div className="readout" id={id} aria-live="polite" aria-atomic="true">
      {cell === null ? (
        <p className="readout-hint">Point at the map to read a patch; click to pin it.</p>
      ) : (
        <dl>
          <div>
            <dt>Patch</dt>
            <dd>{whereOf(cell, grid, place)}</dd>
          </div>
          <div>
            <dt>Score</dt>
            <dd data-testid="score">{isKnown ? formatFloat32(score) : 'not known yet'}</dd>
          </div>
          <div>
            <dt>Drop</dt>
            <dd data-testid="drop">{formatDrop(dropAt(cells, index))}</dd>
          </div>
          <div>
            <dt>Winner</dt>
            <dd>
              {isKnown ? nameOf(winner) : '–'}
              {isFlip && <span className="badge">flips</span>}
            </dd>
          </div>
        </dl>
      )}
    </div>
  );
}

/** Stands in predicted classes for a position that was not run. */
const notRun = -1;

/** Where a patch lies: px of the photo, or of the model's input where the photo's are not known. */
function whereOf({ row, column }: Cell, grid: Grid, place: PhotoPlace | null): string {
  const box = patchBox(grid, row, column);
  const at = `row ${row}, column ${column}`;
  if (place === null) {
    return `${at} · ${box.left}–${box.right} × ${box.top}–${box.bottom} px of the input`;
  }
  const { top, left, bottom, right } = photoBoxOf(box, place.toPhoto, place.photo);
  return `${at} · x ${left}–${right}, y ${top}–${bottom} px`;
}
