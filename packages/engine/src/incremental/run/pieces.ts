import { at } from '@umbra/shared/assert';
import type { Range } from '../../graph/window.js';
import type { Placement, Position, Stage, StagePort } from '../types.js';

/** Part of a feature map, channels last. */
export type Piece = {
  readonly data: Float32Array;
  /** Index of its first number. */
  readonly offset: number;
  /** Numbers from one row to the next. */
  readonly pitch: number;
  readonly y: Range;
  readonly x: Range;
};

/** Maps of the unoccluded run, channels last, by tensor. */
export type KeptMaps = ReadonlyMap<string, Float32Array>;

/** What differs from the kept maps, one piece a position, by tensor. */
export type ChangedPieces = ReadonlyMap<string, readonly Piece[]>;

/** Positions that a stage runs for, and the maps that it reads. */
export type StageWork = {
  readonly positions: readonly Position[];
  readonly kept: KeptMaps;
  readonly changed: ChangedPieces;
};

/** One port's map: as the unoccluded run left it, and what changed of it at each position. */
export type PortMap = {
  readonly port: StagePort;
  readonly kept: Float32Array;
  readonly pieces: readonly Piece[];
};

/** Take a whole map as a piece. */
export const wholeMap = (
  data: Float32Array,
  { height, width, channels }: Pick<StagePort, 'height' | 'width' | 'channels'>,
): Piece => ({
  data,
  offset: 0,
  pitch: width * channels,
  y: { start: 0, end: height },
  x: { start: 0, end: width },
});

/** Find what a port of a stage reads. @throws {Error} If the map was not kept. */
export function portMapOf(stage: Stage, port: number, { kept, changed }: StageWork): PortMap {
  const read = at(stage.ports, port);
  const map = kept.get(read.tensor);
  const pieces = changed.get(read.tensor);
  if (map === undefined || pieces === undefined) {
    throw new Error(`Expected '${read.tensor}' to be kept`);
  }
  return { port: read, kept: map, pieces };
}

/** Windows of a position, along both axes. */
export const placementsOf = (
  { rows, columns }: Stage,
  { row, column }: Position,
): { readonly y: Placement; readonly x: Placement } => ({
  y: at(rows, row),
  x: at(columns, column),
});
