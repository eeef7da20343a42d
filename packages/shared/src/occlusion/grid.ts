import { invalidInput } from '../errors.js';

/** How patches meet the far border: see `patchCount`. */
export type EdgePolicy = 'clip' | 'valid' | 'article';

export type Size = { readonly height: number; readonly width: number };
export type Stride = { readonly y: number; readonly x: number };

/** Patch positions over an image: row-major, `rows * columns` of them. */
export type Grid = {
  readonly rows: number;
  readonly columns: number;
  readonly image: Size;
  readonly patch: Size;
  readonly stride: Stride;
};

/** Half-open pixel box `[top, bottom) x [left, right)`. */
export type Box = {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
};

/**
 * Lay patches of one size over an image.
 *
 * @param image Extent of the model's input, px.
 * @param patch Extent of the patch, px; at most the image on each axis.
 * @param stride Distance between patch origins, px, integers >= 1.
 * @throws {AppError} `invalid_input` if an extent is not an integer >= 1, the patch exceeds the
 *   image, or the policy leaves no position.
 */
export function planGrid(image: Size, patch: Size, stride: Stride, edge: EdgePolicy): Grid {
  const { height, width } = image;
  const vertical = { name: 'vertical', extent: height, patch: patch.height, stride: stride.y };
  const horizontal = { name: 'horizontal', extent: width, patch: patch.width, stride: stride.x };
  const rows = patchCount(vertical, edge);
  const columns = patchCount(horizontal, edge);
  return { rows, columns, image, patch, stride };
}

/** One axis of a grid, px. */
type Axis = {
  readonly name: string;
  readonly extent: number;
  readonly patch: number;
  readonly stride: number;
};

/**
 * Positions along one axis. `clip` covers every pixel and cuts the last patch at the border (as
 * Captum does); `valid` keeps whole patches only; `article` is the founding article's count, which
 * leaves out the last whole patch when it fits exactly.
 */
function patchCount({ name: axis, extent, patch, stride }: Axis, edge: EdgePolicy): number {
  for (const [name, value] of Object.entries({ 'image extent': extent, patch, stride })) {
    if (!Number.isInteger(value) || value < 1) {
      throw invalidInput(`Expected the ${axis} ${name} to be an integer >= 1, got ${value}`);
    }
  }
  if (patch > extent) {
    throw invalidInput(
      `Expected the ${axis} patch (${patch} px) to be at most the model's input (${extent} px)`,
    );
  }
  const span = (extent - patch) / stride;
  const count = {
    // With gaps between patches the last one could start beyond the image: it is left out.
    clip: Math.min(Math.ceil(span) + 1, Math.ceil(extent / stride)),
    valid: Math.floor(span) + 1,
    article: Math.ceil(span),
  };
  if (count[edge] < 1) {
    throw invalidInput(
      `Expected at least one ${axis} position, but edge '${edge}' with patch ${patch} px leaves none`,
    );
  }
  return count[edge];
}

/** Pixels that the patch at `[row, column]` covers, cut at the image's border. */
export function patchBox(grid: Grid, row: number, column: number): Box {
  const top = row * grid.stride.y;
  const left = column * grid.stride.x;
  return {
    top,
    left,
    bottom: Math.min(top + grid.patch.height, grid.image.height),
    right: Math.min(left + grid.patch.width, grid.image.width),
  };
}
