import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { invalidInput } from '@umbra/shared/errors';
import { type Box, patchBox } from '@umbra/shared/occlusion/grid';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { ModelInput } from '../image/preprocess.js';
import { coverBox } from './alter-input.js';

/** One patch of a plan, and what it is filled with. */
export type PatchChoice = {
  readonly plan: OcclusionPlan;
  readonly fill: OcclusionSettings['fill'];
  readonly position: { readonly grid: number; readonly row: number; readonly column: number };
};

/**
 * The input with the patch at one position: what the model saw there.
 *
 * @throws {AppError} `invalid_input` if the plan has no such position.
 */
export function occludeInput(
  image: ModelInput,
  { input }: Pick<ModelBundle, 'input'>,
  { plan: { grids }, fill, position }: PatchChoice,
): { readonly image: ModelInput; readonly box: Box } {
  const { row, column } = position;
  const grid = grids[position.grid];
  if (grid === undefined) {
    throw invalidInput(`Expected grid to be from 0 to ${grids.length - 1}, got ${position.grid}`);
  }
  if (row >= grid.rows || column >= grid.columns) {
    throw invalidInput(
      `Expected a position from 0,0 to ${grid.rows - 1},${grid.columns - 1} (row,column), got ${row},${column}`,
    );
  }
  const box = patchBox(grid, row, column);
  return { image: coverBox(image, box, fill, { input }), box };
}
