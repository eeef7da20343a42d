import { at } from '@umbra/shared/assert';
import type { ResultFile } from '@umbra/shared/contracts/result';
import { sizeName } from '@umbra/shared/contracts/settings';
import type { Size } from '@umbra/shared/occlusion/grid';
import { encodeNpy } from '../encoding/npy.js';
import { meanMap } from '../occlusion/attribution.js';
import type { OcclusionRun } from '../types.js';

/**
 * Encode the arrays of a result.
 *
 * One target: `scores` [rows, columns] and `attribution` [height, width]; several add a first axis.
 * `predicted-classes` [rows, columns] has none, since it belongs to all. Several patch sizes: one file of each
 * for each size, and `attribution.npy` is their mean.
 *
 * @param attributions Maps by target, then by patch size: float32 [height, width] each.
 */
export function encodeArrays(
  { plan, scores, predictedClasses }: Pick<OcclusionRun, 'plan' | 'scores' | 'predictedClasses'>,
  attributions: readonly (readonly Float32Array[])[],
  { height, width }: Size,
): [ResultFile, Buffer][] {
  const leading = scores.length === 1 ? [] : [scores.length];
  const attributed = (maps: readonly Float32Array[]) =>
    encodeNpy(joinFloats(maps), [...leading, height, width]);
  const files: [ResultFile, Buffer][] = [
    ['attribution.npy', attributed(attributions.map(meanMap))],
  ];
  for (const [index, { patch, rows, columns }] of plan.grids.entries()) {
    const name = <T extends string>(array: T) =>
      (plan.grids.length === 1 ? `${array}.npy` : `${array}-${sizeName(patch)}.npy`) as `${T}.npy`;
    const [start, end] = [plan.gridStarts[index], plan.gridStarts[index + 1]];
    const own = joinFloats(scores.map((values) => values.subarray(start, end)));
    files.push([name('scores'), encodeNpy(own, [...leading, rows, columns])]);
    files.push([
      name('predicted-classes'),
      encodeNpy(predictedClasses.subarray(start, end), [rows, columns]),
    ]);
    if (plan.grids.length === 1) continue;
    const maps = attributions.map((grids) => at(grids, index));
    files.push([name('attribution'), attributed(maps)]);
  }
  return files;
}

/** Join arrays, one after the other; a single one is returned as it is. */
export function joinFloats(arrays: readonly Float32Array[]): Float32Array {
  const [first, ...others] = arrays;
  if (first !== undefined && others.length === 0) return first;
  const joined = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let offset = 0;
  for (const array of arrays) {
    joined.set(array, offset);
    offset += array.length;
  }
  return joined;
}
