import { at } from '@umbra/shared/assert';
import type { BaselineRun } from '@umbra/shared/contracts/shard';
import { type Grid, patchBox } from '@umbra/shared/occlusion/grid';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';

// Hot: loops over pixels read `as number`, since their indices lie inside the arrays by construction.

/**
 * Spread scores over pixels: the mean, over the patches that cover a pixel, of the baseline
 * score minus the occluded one. Positive where the image supports the class; 0 where no patch reaches.
 *
 * @param scores float32 [rows, columns], row-major.
 * @returns float32 [height, width] in the model's input frame.
 * @see Captum's `Occlusion`, whose sign and averaging these are.
 */
export function attribute(grid: Grid, scores: Float32Array, baselineScore: number): Float32Array {
  return spread(grid, scores, baselineScore, () => 0);
}

/**
 * As `attribute`, of a run that goes on.
 *
 * @param scores NaN where nothing is known.
 * @returns NaN at pixels that patches cover, and no known one does.
 */
export function attributeKnown(
  grid: Grid,
  scores: Float32Array,
  baselineScore: number,
): Float32Array {
  const { rows, columns, patch, stride } = grid;
  const reaches = (px: number, size: number, step: number, count: number) =>
    px - Math.min(Math.floor(px / step), count - 1) * step < size;
  return spread(grid, scores, baselineScore, (y, x) => {
    const isReached =
      reaches(y, patch.height, stride.y, rows) && reaches(x, patch.width, stride.x, columns);
    return isReached ? Number.NaN : 0;
  });
}

/** @param uncovered Value of a pixel that no patch with a score covers. */
function spread(
  grid: Grid,
  scores: Float32Array,
  baselineScore: number,
  uncovered: (y: number, x: number) => number,
): Float32Array {
  const { height, width } = grid.image;
  // As the scores are stored: a position that changes nothing then gives exactly 0.
  const baseline = Math.fround(baselineScore);
  // A second-difference image: each patch adds its drop at its corners, and two running sums
  // spread it over the box. Cost does not depend on how much patches overlap.
  const drops = new Float64Array((height + 1) * (width + 1));
  const covers = new Float64Array((height + 1) * (width + 1));
  for (let row = 0; row < grid.rows; row++) {
    for (let column = 0; column < grid.columns; column++) {
      const drop = baseline - (scores[row * grid.columns + column] as number);
      if (Number.isNaN(drop)) continue;
      const { top, left, bottom, right } = patchBox(grid, row, column);
      for (const [y, x, sign] of [
        [top, left, 1],
        [top, right, -1],
        [bottom, left, -1],
        [bottom, right, 1],
      ] as const) {
        const corner = y * (width + 1) + x;
        drops[corner] = (drops[corner] as number) + sign * drop;
        covers[corner] = (covers[corner] as number) + sign;
      }
    }
  }
  integrate(drops, height + 1, width + 1);
  integrate(covers, height + 1, width + 1);
  const attribution = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const corner = y * (width + 1) + x;
      const count = Math.round(covers[corner] as number);
      attribution[y * width + x] =
        count === 0 ? uncovered(y, x) : (drops[corner] as number) / count;
    }
  }
  return attribution;
}

/**
 * Attribute one target for each patch size.
 *
 * @param scores float32 [positions] of the whole plan, of one target.
 * @returns float32 [height, width], one a grid of the plan.
 */
export function attributeGrids(
  { grids, gridStarts }: OcclusionPlan,
  scores: Float32Array,
  baselineScore: number,
): Float32Array[] {
  return grids.map((grid, nth) =>
    attribute(grid, scores.subarray(gridStarts[nth], gridStarts[nth + 1]), baselineScore),
  );
}

/** Mean of maps of one extent, at least one. */
export function meanMap(maps: readonly Float32Array[]): Float32Array {
  const [first, ...others] = maps;
  if (first === undefined) throw new RangeError('Expected at least one map, got none');
  if (others.length === 0) return first;
  return first.map(
    (value, pixel) =>
      others.reduce((sum, map) => sum + (map[pixel] as number), value) / maps.length,
  );
}

/**
 * Tell apart what no patch of any size reaches, at the border under edge `valid` or `article`, or in the
 * gaps between patches: the attribution 0 means there that nothing is known.
 *
 * @param attribution float32 [height, width] of the plan.
 * @returns The same with NaN there; the given one where every pixel is reached.
 */
export function maskUncovered({ grids, image }: OcclusionPlan, attribution: Float32Array) {
  const isCovered = new Uint8Array(image.height * image.width);
  for (const grid of grids) {
    const rows = new Uint8Array(image.height);
    const columns = new Uint8Array(image.width);
    for (let row = 0; row < grid.rows; row++) {
      const { top, bottom } = patchBox(grid, row, 0);
      rows.fill(1, top, bottom);
    }
    for (let column = 0; column < grid.columns; column++) {
      const { left, right } = patchBox(grid, 0, column);
      columns.fill(1, left, right);
    }
    for (const pixel of isCovered.keys()) {
      const [y, x] = [Math.floor(pixel / image.width), pixel % image.width];
      if (rows[y] === 1 && columns[x] === 1) isCovered[pixel] = 1;
    }
  }
  if (!isCovered.includes(0)) return attribution;
  return attribution.map((value, pixel) => (isCovered[pixel] === 0 ? Number.NaN : value));
}

/** Mean of maps of one extent, at each pixel of those that know it; NaN where none does. */
export function meanOfKnown(maps: readonly Float32Array[]): Float32Array {
  const [first, ...others] = maps;
  if (first === undefined) throw new RangeError('Expected at least one map, got none');
  if (others.length === 0) return first;
  return first.map((_, pixel) => {
    const known = maps.map((map) => map[pixel] as number).filter((value) => !Number.isNaN(value));
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  });
}

/** Attribute each target: the mean over the patch sizes. @returns float32 [height, width] each */
export function attributeTargets(
  plan: OcclusionPlan,
  scores: readonly Float32Array[],
  { targets }: BaselineRun,
): Float32Array[] {
  return targets.map(({ score }, nth) => meanMap(attributeGrids(plan, at(scores, nth), score)));
}

/** Two-dimensional running sum, in place. */
function integrate(image: Float64Array, height: number, width: number): void {
  for (let y = 0; y < height; y++) {
    for (let x = 1; x < width; x++) {
      const pixel = y * width + x;
      image[pixel] = (image[pixel] as number) + (image[pixel - 1] as number);
    }
  }
  for (let pixel = width; pixel < height * width; pixel++) {
    image[pixel] = (image[pixel] as number) + (image[pixel - width] as number);
  }
}
