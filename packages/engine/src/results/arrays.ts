import { at } from '@umbra/shared/assert';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { encodeNpy, readNpy } from '../encoding/npy.js';
import type { OcclusionRun } from '../types.js';

/** A run's arrays. `scores` [positions] one a target; `predictedClasses` [positions] belongs to all. */
export type RunArrays = Pick<OcclusionRun, 'scores' | 'predictedClasses'>;

/**
 * Shape of an array of several targets: one target has no axis of its own.
 *
 * @param own Extent of one target's.
 */
export const targetShape = (targets: number, own: readonly number[]): readonly number[] =>
  targets === 1 ? own : [targets, ...own];

/** Encode one patch size's scores: float32 [rows, columns], or [targets, rows, columns]. */
export function encodeScores(plan: OcclusionPlan, { scores }: RunArrays, grid: number): Buffer {
  const { start, end, shape } = partOf(plan, grid);
  const own = joinFloats(scores.map((values) => values.subarray(start, end)));
  return encodeNpy(own, targetShape(scores.length, shape));
}

/** Encode one patch size's predicted classes: int32 [rows, columns]. */
export function encodePredictedClasses(
  plan: OcclusionPlan,
  { predictedClasses }: RunArrays,
  grid: number,
): Buffer {
  const { start, end, shape } = partOf(plan, grid);
  return encodeNpy(predictedClasses.subarray(start, end), shape);
}

/** One patch size's arrays, as they are stored. */
export type EncodedGrid = { readonly scores: Buffer; readonly predictedClasses: Buffer };

/**
 * Decode a run's arrays: the inverse of `encodeScores` and `encodePredictedClasses` for every patch size.
 *
 * @throws {AppError} `integrity` unless they are of this plan and as many targets.
 */
export function decodeArrays(
  plan: OcclusionPlan,
  targets: number,
  encoded: readonly EncodedGrid[],
): RunArrays {
  const predictedClasses = new Int32Array(plan.positions);
  for (const [grid, files] of encoded.entries()) {
    const { start, shape } = partOf(plan, grid);
    predictedClasses.set(readNpy(files.predictedClasses, '<i4', shape), start);
  }
  const scores = encoded.map((files) => files.scores);
  return { scores: decodeScores(plan, targets, scores), predictedClasses };
}

/**
 * Decode a run's scores: the inverse of `encodeScores` for every patch size.
 *
 * @returns float32 [positions], one a target.
 * @throws {AppError} `integrity` unless they are of this plan and as many targets.
 */
export function decodeScores(
  plan: OcclusionPlan,
  targets: number,
  encoded: readonly Buffer[],
): Float32Array[] {
  const scores = Array.from({ length: targets }, () => new Float32Array(plan.positions));
  for (const [grid, file] of encoded.entries()) {
    const { start, end, shape } = partOf(plan, grid);
    const all = readNpy(file, '<f4', targetShape(targets, shape));
    for (const [index, values] of scores.entries()) {
      values.set(all.subarray(index * (end - start), (index + 1) * (end - start)), start);
    }
  }
  return scores;
}

/** Find a patch size's positions, half-open, and its [rows, columns]. */
function partOf({ grids, gridStarts }: OcclusionPlan, grid: number) {
  const { rows, columns } = at(grids, grid);
  return { start: at(gridStarts, grid), end: at(gridStarts, grid + 1), shape: [rows, columns] };
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
