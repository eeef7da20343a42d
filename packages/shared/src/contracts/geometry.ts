import { z } from 'zod';
import { imageId } from './dataset.js';
import { extent, imageResult, photoMapping } from './result.js';

/**
 * Where the cells of an image's grids lie, in px of the model's input and of the photo.
 *
 * The cell `[row, column]` of a grid covers `[row * stride.y, row * stride.y + patch.height)` by the same of
 * its column, cut at the input's extent; `toPhoto` maps that to the photo: `round(px * scale + offset)`.
 */
export const imageGeometry = z.strictObject({
  image: imageId,
  /** Extent of the upright photo, px. */
  photo: extent,
  /** Extent of the model's input, px. */
  input: extent,
  toPhoto: photoMapping,
  stride: z.strictObject({ y: z.int().min(1), x: z.int().min(1) }),
  /** One a patch size. */
  grids: z.array(imageResult.shape.grids.element.pick({ patch: true, rows: true, columns: true })),
});
export type ImageGeometry = z.output<typeof imageGeometry>;
