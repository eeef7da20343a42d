import type { ImageResult } from '@umbra/shared/contracts/result';
import { patchBox } from '@umbra/shared/occlusion/grid';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { OcclusionRun } from '../engine.js';

type Lowest = ImageResult['targets'][number]['lowest'];

/** The position of the lowest score; the first of equals. @param scores Of one target. */
export function findLowest({ grids, gridStarts }: OcclusionPlan, scores: Float32Array): Lowest {
  let lowest = 0;
  for (const [index, score] of scores.entries()) {
    if (score < (scores[lowest] ?? Number.POSITIVE_INFINITY)) lowest = index;
  }
  const at = gridStarts.findLastIndex((start) => start <= lowest);
  const grid = grids[at];
  if (grid === undefined) throw new RangeError(`Expected a position of the plan, got ${lowest}`);
  const place = lowest - (gridStarts[at] ?? 0);
  const [row, column] = [Math.floor(place / grid.columns), place % grid.columns];
  const score = scores[lowest] ?? Number.NaN;
  return { score, grid: at, row, column, box: patchBox(grid, row, column) };
}

/** What was run of each grid, and where the decision is another than the clean run's. */
export function describeGrids(
  {
    plan,
    predictedClasses,
    baseline,
  }: Pick<OcclusionRun, 'plan' | 'predictedClasses' | 'baseline'>,
  labels: readonly string[],
): ImageResult['grids'] {
  return plan.grids.map(({ patch, rows, columns }, at) => {
    const own = predictedClasses.subarray(plan.gridStarts[at], plan.gridStarts[at + 1]);
    const flips = new Map<number, number[]>();
    for (const [position, predictedClass] of own.entries()) {
      if (predictedClass === -1 || predictedClass === baseline.predicted.index) continue;
      const positions = flips.get(predictedClass) ?? [];
      flips.set(predictedClass, positions);
      positions.push(position);
    }
    return {
      patch,
      rows,
      columns,
      computed: own.reduce((count, predictedClass) => count + (predictedClass === -1 ? 0 : 1), 0),
      flips: [...flips].map(([index, positions]) => ({
        index,
        label: labels[index] ?? `class ${index}`,
        positions,
      })),
    };
  });
}

/** Readable JSON with each list of numbers on one line. */
export function formatResult(result: ImageResult): string {
  const text = JSON.stringify(result, null, 2);
  const flat = text.replaceAll(/\[\s+(-?\d[^[\]{}"]*?)\s+\]/g, (_, numbers: string) => {
    return `[${numbers.replaceAll(/\s+/g, ' ')}]`;
  });
  return `${flat}\n`;
}
