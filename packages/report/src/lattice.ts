import type { Size } from '@umbra/shared/occlusion/grid';
import { latticeSide } from './evidence.js';

/** One axis of the cells: the first begins at `start`, and each is `step` long, px of the input. */
type CellAxis = { readonly start: number; readonly step: number };
/** Cells of a lattice, 16 on each axis; some may lie outside of the input. */
export type CellFrame = { readonly y: CellAxis; readonly x: CellAxis };

/** Px of each axis that patches reach, 1 or 0: where patches of one size lie is told by row and column alone. */
export type Reached = { readonly y: Uint8Array; readonly x: Uint8Array };

/** Cells that split the input evenly. */
export const inputCells = ({ height, width }: Size): CellFrame => ({
  y: { start: 0, step: height / latticeSide },
  x: { start: 0, step: width / latticeSide },
});

/** Cells of which the middle half, on each axis, is a box; px of the input, fractions too. */
export function boxCells(box: {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}): CellFrame {
  const middle = latticeSide / 2;
  const axis = (from: number, to: number): CellAxis => {
    const step = (to - from) / middle;
    return { start: from - (middle / 2) * step, step };
  };
  return { y: axis(box.top, box.bottom), x: axis(box.left, box.right) };
}

/**
 * Overlaps of one axis, cell by cell: the px of each, and its length. Those of a cell begin at its number of `starts`,
 * which has one more; `lengths` are the cells' sums.
 */
type Overlaps = {
  readonly starts: Uint32Array;
  readonly pixels: Uint32Array;
  readonly weights: Float64Array;
  readonly lengths: Float64Array;
};

/** Ends of cells are rounded: an overlap that is only rounding is none. */
const minOverlap = 1e-9;

function overlapsOf({ start, step }: CellAxis, isReached: Uint8Array): Overlaps {
  const found: [px: number, weight: number][] = [];
  const starts = new Uint32Array(latticeSide + 1);
  const lengths = new Float64Array(latticeSide);
  for (let cell = 0; cell < latticeSide; cell++) {
    const from = Math.max(0, start + cell * step);
    const to = Math.min(isReached.length, start + (cell + 1) * step);
    for (let px = Math.floor(from); px < to; px++) {
      const weight = Math.min(px + 1, to) - Math.max(px, from);
      if (weight < minOverlap || isReached[px] === 0) continue;
      found.push([px, weight]);
      lengths[cell] = (lengths[cell] as number) + weight;
    }
    starts[cell + 1] = found.length;
  }
  return {
    starts,
    pixels: Uint32Array.from(found, ([px]) => px),
    weights: Float64Array.from(found, ([, weight]) => weight),
    lengths,
  };
}

/**
 * Average a map over the cells of a lattice. A px that lies in two cells counts in each by the part of its area
 * that lies there, so a cell's number is the exact mean over its area.
 *
 * @param map float32 [height, width], px of the input, row-major.
 * @param reached Px that count; their extents are the map's.
 * @returns float32 [16, 16]; NaN where no px of a cell counts.
 */
export function averageCells(map: Float32Array, cells: CellFrame, reached: Reached): Float32Array {
  const width = reached.x.length;
  const rows = overlapsOf(cells.y, reached.y);
  const columns = overlapsOf(cells.x, reached.x);
  const means = new Float32Array(latticeSide * latticeSide);
  for (const cell of means.keys()) {
    const [down, over] = [Math.floor(cell / latticeSide), cell % latticeSide];
    let sum = 0;
    // Hot: indices come from overlaps, which lie inside the map.
    for (let y = rows.starts[down] as number; y < (rows.starts[down + 1] as number); y++) {
      const first = (rows.pixels[y] as number) * width;
      let row = 0;
      for (let x = columns.starts[over] as number; x < (columns.starts[over + 1] as number); x++) {
        row +=
          (map[first + (columns.pixels[x] as number)] as number) * (columns.weights[x] as number);
      }
      sum += row * (rows.weights[y] as number);
    }
    const area = (rows.lengths[down] as number) * (columns.lengths[over] as number);
    means[cell] = area === 0 ? Number.NaN : sum / area;
  }
  return means;
}

/**
 * Average maps cell by cell, each cell over those that know it.
 *
 * @param maps Of one length, at least one.
 */
export function averageMaps(maps: readonly Float32Array[]): Float32Array {
  const [first, ...others] = maps;
  if (first === undefined) throw new RangeError('Expected at least one map, got none');
  if (others.length === 0) return first;
  return first.map((_, cell) => {
    const known = maps.map((map) => map[cell] as number).filter((value) => !Number.isNaN(value));
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  });
}
