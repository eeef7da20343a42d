import type { Box } from '@umbra/shared/occlusion/grid';
import type { Range } from '../../graph/window.js';
import type { Position } from '../types.js';

/** Distinct vertical and horizontal ranges of boxes, and each box's place in them; null if empty. */
export type BoxTables = {
  readonly y: readonly Range[];
  readonly x: readonly Range[];
  readonly positions: readonly (Position | null)[];
};

export function tablesOf(boxes: readonly Box[]): BoxTables {
  const y = createTable();
  const x = createTable();
  const positions = boxes.map(({ top, left, bottom, right }): Position | null => {
    if (bottom <= top || right <= left) return null;
    return { row: y.indexOf(top, bottom), column: x.indexOf(left, right) };
  });
  return { y: y.ranges, x: x.ranges, positions };
}

function createTable() {
  const ranges: Range[] = [];
  const indices = new Map<string, number>();
  const indexOf = (start: number, end: number): number => {
    const key = `${start} ${end}`;
    const index = indices.get(key) ?? ranges.push({ start, end }) - 1;
    indices.set(key, index);
    return index;
  };
  return { ranges, indexOf };
}
