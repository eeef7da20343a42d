import type { Layer } from '@umbra/shared/contracts/layer';
import { invalidInput } from '@umbra/shared/errors';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import { isMap } from '../graph/graph.js';
import { fieldOfUnit } from '../graph/receptive-field.js';
import type { Range } from '../graph/window.js';

/** A place in a layer's feature maps, the same for all channels. */
export type Unit = { readonly row: number; readonly column: number };

/**
 * Find a unit of a layer's feature maps.
 *
 * @param text `ROW,COLUMN`; the middle one when left out.
 * @throws {AppError} `invalid_input` if the layer has no maps, or no such unit.
 */
export function findUnit({ name, outputShape }: Layer, text?: string): Unit {
  if (!isMap(outputShape)) {
    throw invalidInput(`Expected a layer with feature maps; '${name}' has none`);
  }
  const [, , height, width] = outputShape;
  if (text === undefined) return { row: Math.floor(height / 2), column: Math.floor(width / 2) };
  const match = /^(\d{1,6}),(\d{1,6})$/.exec(text);
  const unit = { row: Number(match?.[1]), column: Number(match?.[2]) };
  if (unit.row < height && unit.column < width) return unit;
  throw invalidInput(
    `Expected unit to be ROW,COLUMN from 0,0 to ${height - 1},${width - 1} in layer '${name}', got '${text}'`,
  );
}

/**
 * The part of the input that a unit sees, px; what would lie in the padding is cut off.
 *
 * @throws {AppError} `invalid_input` if it is not known.
 */
export function seenBox({ name, receptiveField: field }: Layer, unit: Unit, input: Size): Box {
  if (field.kind === 'unknown') {
    throw invalidInput(`Expected a layer whose receptive field is known; that of '${name}' is not`);
  }
  if (field.kind === 'whole') {
    return { top: 0, left: 0, bottom: input.height, right: input.width };
  }
  const inside = ({ start, end }: Range, extent: number) => ({
    start: Math.min(extent, Math.max(0, Math.floor(start))),
    end: Math.min(extent, Math.max(0, Math.ceil(end))),
  });
  const y = inside(fieldOfUnit(field.y, unit.row), input.height);
  const x = inside(fieldOfUnit(field.x, unit.column), input.width);
  return { top: y.start, left: x.start, bottom: y.end, right: x.end };
}
