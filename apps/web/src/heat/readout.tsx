import type { Frame } from '@umbra/shared/occlusion/frame';
import { type Grid, patchBox } from '@umbra/shared/occlusion/grid';
import { formatDrop, formatFloat32 } from '../lib/format.js';
import type { Cell } from '../lib/view-state.js';
import { dropAt, type ScoreCells } from './cells.js';

export type ReadoutProps = {
  readonly id: string;
  /** null where none is pointed at or pinned. */
  readonly cell: Cell | null;
  readonly cells: ScoreCells;
  readonly grid: Grid;
  readonly frame: Frame | null;
  /** The predicted class's name, by its number. */
  readonly nameOf: (predictedClass: number) => string;
  /** What the model predicts without a patch; null while that is not known. */
  readonly predicted: string | null;
};

/** The numbers of one cell, which screen readers are told as they change. */
export function Readout({ id, cell, cells, grid, frame, nameOf, predicted }: ReadoutProps) {
  const index = cell === null ? -1 : cell.row * cells.columns + cell.column;
  const score = cells.scores[index] ?? Number.NaN;
  const isKnown = !Number.isNaN(score);
  const winner = isKnown ? nameOf(cells.predictedClasses[index] ?? -1) : '–';
  const isFlip = isKnown && predicted !== null && winner !== predicted && winner !== notRun;
  return (
    <div className="readout" id={id} aria-live="polite" aria-atomic="true">
      {cell === null ? (
        <p className="readout-hint">Point at the map to read a patch; click to pin it.</p>
      ) : (
        <dl>
          <div>
            <dt>Patch</dt>
            <dd>{whereOf(cell, grid, frame)}</dd>
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
              {winner}
              {isFlip && <span className="badge">flips</span>}
            </dd>
          </div>
        </dl>
      )}
    </div>
  );
}

export const notRun = 'interpolated';

/** Where a patch lies: px of the photo, or of the model's input where the photo's are not known. */
function whereOf({ row, column }: Cell, grid: Grid, frame: Frame | null): string {
  const { top, left, bottom, right } = patchBox(grid, row, column);
  const place = `row ${row}, column ${column}`;
  if (frame === null) return `${place} · ${left}–${right} × ${top}–${bottom} px of the input`;
  const { photo, resized, crop } = frame;
  const x = (value: number) => Math.round(((crop.left + value) * photo.width) / resized.width);
  const y = (value: number) => Math.round(((crop.top + value) * photo.height) / resized.height);
  return `${place} · x ${x(left)}–${x(right)}, y ${y(top)}–${y(bottom)} px`;
}
