import { at } from '@umbra/shared/assert';
import type { Tiling } from '@umbra/shared/contracts/layer';
import { invalidInput } from '@umbra/shared/errors';
import { isMap } from '../graph/graph.js';
import type { Activations } from '../network/types.js';
import { describePage, type FigurePage, grey, pageOf, renderTiles, suitableCell } from './tiles.js';

/**
 * Draw a layer's feature maps for one photo, each from its lowest value (black) to its highest; those
 * of one value throughout are crossed out.
 *
 * @throws {AppError} `invalid_input` if the layer has no feature maps, or the page or cell does not fit.
 */
export async function renderActivations(
  { shape, data }: Activations,
  { name, photo }: { readonly name: string; readonly photo: string },
  view: Tiling,
): Promise<FigurePage> {
  if (!isMap(shape)) {
    throw invalidInput(`Expected a layer with feature maps; '${name}' gives [${shape.join(', ')}]`);
  }
  const [, channels, height, width] = shape;
  const { page, pages, start, end } = pageOf(channels, view);
  const plane = height * width;
  const tiles = Array.from({ length: end - start }, (_, index) => {
    const values = data.subarray((start + index) * plane, (start + index + 1) * plane);
    const levels = stretchTile(values);
    return {
      title: String(start + index),
      colourAt: (row: number, column: number) => grey(at(levels, row * width + column)),
      isCrossed: values.every((value) => value === values[0]),
      height,
      width,
    };
  });
  const flat = tiles.filter(({ isCrossed }) => isCrossed).length;
  const scale = 'each map from its lowest value (black) to its highest (white)';
  const words = {
    title: `${name} for ${photo}: ${channels} maps of ${height} x ${width}${describePage({ page, pages })}`,
    caption: flat === 0 ? scale : `${scale}; ${flat} of one value throughout, crossed out`,
  };
  const png = await renderTiles(words, tiles, view.cell ?? suitableCell({ height, width }, 56));
  return { png, page, pages };
}

/** Scale values from the lowest, 0, to the highest, 1; 0.5 where all are equal. */
function stretchTile(values: Float32Array): Float32Array {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return values.map((value) => (high > low ? (value - low) / (high - low) : 0.5));
}
