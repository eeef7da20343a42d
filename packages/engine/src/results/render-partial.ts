import { at } from '@umbra/shared/assert';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { BaselineRun } from '@umbra/shared/contracts/shard';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { renderHeatmap } from '../figures/heatmap.js';
import { attributeKnown, maskUncovered, meanOfKnown } from '../occlusion/attribution.js';
import { heatmapText } from './make-file.js';

export type PartialMap = {
  readonly plan: OcclusionPlan;
  /** float32 [positions] of the plan; NaN where nothing is known. */
  readonly scores: Float32Array;
  /** null before anything is known. */
  readonly target: BaselineRun['targets'][number] | null;
  readonly settings: OcclusionSettings;
  /** Index of the grid that is drawn; the mean of all, as in the final heatmap, where undefined. */
  readonly grid: number | undefined;
  /** How much is done, in words. */
  readonly progress: string;
};

/**
 * Draw what is known of a heatmap as the final one is drawn: the same values, colours and scale, which
 * ends at the largest value that is known.
 *
 * @returns A PNG file, striped where nothing is known.
 */
export function renderPartial(given: PartialMap): Promise<Buffer> {
  const { plan, scores, target, settings, grid, progress } = given;
  const { grids, gridStarts } = plan;
  const chosen = grid === undefined ? [...grids.keys()] : [grid];
  const maps = chosen.map((index) =>
    attributeKnown(
      at(grids, index),
      scores.subarray(gridStarts[index], gridStarts[index + 1]),
      target?.score ?? 0,
    ),
  );
  const text =
    target === null ? { title: '', unit: settings.score } : heatmapText(target, settings, false);
  const title = [text.title, progress].filter((part) => part !== '').join(', ');
  const drawn = { ...plan, grids: chosen.map((index) => at(grids, index)) };
  return renderHeatmap(maskUncovered(drawn, meanOfKnown(maps)), plan.image, { ...text, title });
}
