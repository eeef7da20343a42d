import type { Size } from '@umbra/shared/occlusion/grid';

/** Part of the frame's extent that counts as its border, on each side. */
const borderPart = 0.1;

/**
 * Share of the positive attribution that lies in the frame's border: at pixels whose centre is nearer
 * to an edge than a tenth of the frame's extent on that axis. 0.36 where it is the same everywhere.
 *
 * @param map float32 [height, width], row-major.
 * @returns In [0, 1]; null where no attribution is positive.
 */
export function borderShare(map: Float32Array, { height, width }: Size): number | null {
  const isBorder = (pixel: number, extent: number) =>
    Math.min(pixel + 0.5, extent - pixel - 0.5) < borderPart * extent;
  let border = 0;
  let all = 0;
  for (let y = 0; y < height; y++) {
    const isBorderRow = isBorder(y, height);
    for (let x = 0; x < width; x++) {
      // Hot: the index lies inside the map by construction.
      const value = map[y * width + x] as number;
      if (value <= 0) continue;
      all += value;
      if (isBorderRow || isBorder(x, width)) border += value;
    }
  }
  return all === 0 ? null : Math.min(1, border / all);
}
