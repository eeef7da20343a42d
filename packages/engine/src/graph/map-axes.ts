import { at } from '@umbra/shared/assert';
import type { MapAxes, TensorShape } from './graph.js';
import { sizeOf } from './operand.js';

/** Images at once: a prime, so that no other extents make it up. */
const batch = 1_000_003;

/**
 * Where the rows and columns of a map lie after its numbers were given another shape, in the same
 * order.
 *
 * @param from Shape of the map, of one image.
 * @returns null where they were mixed with other axes.
 */
export function movedAxes(from: TensorShape, axes: MapAxes, to: TensorShape): MapAxes | null {
  if (from[0] !== 1 || to[0] !== 1) return null;
  const groups = groupAxes(from.with(0, batch), to.with(0, batch));
  const moved = (axis: number): number | null => {
    const group = groups.find(({ before }) => before.includes(axis));
    const extent = at(from, axis);
    const alone = group?.before.every((one) => one === axis || from[one] === 1);
    const after = group?.after.filter((one) => to[one] === extent) ?? [];
    return alone && after.length === 1 ? at(after, 0) : null;
  };
  const [start, y, x] = [groups[0], moved(axes.y), moved(axes.x)];
  if (start?.before.length !== 1 || start.after.length !== 1) return null;
  return y === null || x === null || y === x ? null : { y, x };
}

type AxisGroup = { readonly before: readonly number[]; readonly after: readonly number[] };

/** The shortest runs of axes that hold as many numbers before as after. */
function groupAxes(from: TensorShape, to: TensorShape): AxisGroup[] {
  const groups: AxisGroup[] = [];
  let [i, j] = [0, 0];
  while (i < from.length && j < to.length) {
    const before = [i++];
    const after = [j++];
    for (;;) {
      const left = sizeOf(before.map((axis) => at(from, axis)));
      const right = sizeOf(after.map((axis) => at(to, axis)));
      if (left === right) break;
      if (left < right && i < from.length) before.push(i++);
      else if (right < left && j < to.length) after.push(j++);
      else break;
    }
    groups.push({ before, after });
  }
  return groups;
}
