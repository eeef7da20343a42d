import { at } from '@umbra/shared/assert';
import type { Box, Grid } from '@umbra/shared/occlusion/grid';

/**
 * Share of the positive attribution at px outside of a box, were the scores of positions independent noise around the
 * baseline score. The attribution of a px is a mean over the patches that cover it, so that its deviation, and with it
 * the mean of its positive part, goes with 1 / sqrt(number of these): fewer patches cover px near an edge of the input,
 * whose share is more than their area then.
 *
 * @param box px of the grid's input.
 * @returns In [0, 1]: the sums' expected values over each other.
 */
export function noiseShareOff({ rows, columns, image, patch, stride }: Grid, box: Box): number {
  const y = deviations(image.height, { count: rows, size: patch.height, step: stride.y });
  const x = deviations(image.width, { count: columns, size: patch.width, step: stride.x });
  const inside = sumOf(y, box.top, box.bottom) * sumOf(x, box.left, box.right);
  return 1 - inside / (sumOf(y, 0, image.height) * sumOf(x, 0, image.width));
}

/** How many patches cover a px is the product of both axes, and so are deviations. */
function deviations(
  extent: number,
  { count, size, step }: { readonly count: number; readonly size: number; readonly step: number },
): Float64Array {
  const covers = new Uint32Array(extent);
  for (let patch = 0; patch < count; patch++) {
    const end = Math.min(patch * step + size, extent);
    for (let px = patch * step; px < end; px++) covers[px] = at(covers, px) + 1;
  }
  return Float64Array.from(covers, (cover) => (cover === 0 ? 0 : 1 / Math.sqrt(cover)));
}

const sumOf = (values: Float64Array, from: number, to: number): number =>
  values.subarray(from, to).reduce((sum, value) => sum + value, 0);
