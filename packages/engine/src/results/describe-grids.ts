import { at } from '@umbra/shared/assert';
import type { ImageResult } from '@umbra/shared/contracts/result';
import { patchBox, type Size } from '@umbra/shared/occlusion/grid';
import { type PhotoMapping, photoBoxOf } from '@umbra/shared/occlusion/photo-box';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { noClass } from '../occlusion/output-head.js';
import type { OcclusionRun } from '../types.js';

type Lowest = ImageResult['targets'][number]['lowest'];

/** A photo, px, and where the model's input lies on it. */
export type MappedPhoto = { readonly photo: Size; readonly toPhoto: PhotoMapping };

/**
 * Find the position of the lowest score; the first of equals.
 *
 * @param scores Scores of one target, at least one.
 * @throws {RangeError} If there are none, or they are not of the plan.
 */
export function findLowest(
  { grids, gridStarts }: OcclusionPlan,
  scores: Float32Array,
  { photo, toPhoto }: MappedPhoto,
): Lowest {
  let lowest = 0;
  let score = at(scores, 0);
  for (const [index, candidate] of scores.entries()) {
    if (candidate < score) [lowest, score] = [index, candidate];
  }
  const index = gridStarts.findLastIndex((start) => start <= lowest);
  const grid = at(grids, index);
  const position = lowest - at(gridStarts, index);
  const [row, column] = [Math.floor(position / grid.columns), position % grid.columns];
  const box = patchBox(grid, row, column);
  return { score, grid: index, row, column, box, photoBox: photoBoxOf(box, toPhoto, photo) };
}

/** Describe each grid: its computed positions, and those that change the predicted class. */
export function describeGrids(
  {
    plan,
    predictedClasses,
    baseline,
  }: Pick<OcclusionRun, 'plan' | 'predictedClasses' | 'baseline'>,
  labels: readonly string[],
): ImageResult['grids'] {
  return plan.grids.map(({ patch, rows, columns }, index) => {
    const own = predictedClasses.subarray(plan.gridStarts[index], plan.gridStarts[index + 1]);
    return {
      patch,
      rows,
      columns,
      computed: own.reduce((count, predictedClass) => count + (predictedClass === -1 ? 0 : 1), 0),
      flips: findFlips(own, baseline.predicted, labels),
    };
  });
}

type Flips = ImageResult['grids'][number]['flips'];

/** Positions at which another class is predicted, by that class. */
function findFlips(
  predictedClasses: Int32Array,
  { index: most, aboveThreshold }: OcclusionRun['baseline']['predicted'],
  labels: readonly string[],
): Flips {
  const original = aboveThreshold === false ? noClass : most;
  const flips = new Map<number, number[]>();
  for (const [position, predictedClass] of predictedClasses.entries()) {
    if (predictedClass === -1 || predictedClass === original) continue;
    const positions = flips.get(predictedClass);
    if (positions === undefined) flips.set(predictedClass, [position]);
    else positions.push(position);
  }
  return [...flips].map(([index, positions]) => ({
    ...(index === noClass
      ? { index: null, label: 'no class' }
      : { index, label: labels[index] ?? `class ${index}` }),
    positions,
  }));
}

/** Format a result as readable JSON, with each list of numbers on one line. */
export function formatResult(result: ImageResult): string {
  const text = JSON.stringify(result, null, 2);
  const flat = text.replaceAll(/\[\s+(-?\d[^[\]{}"]*?)\s+\]/g, (_, numbers: string) => {
    return `[${numbers.replaceAll(/\s+/g, ' ')}]`;
  });
  return `${flat}\n`;
}
