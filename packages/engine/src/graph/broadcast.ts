import { at } from '@umbra/shared/assert';
import type { TensorShape } from './graph.js';

/** The shape that elementwise operands have together; null where one is not known, or none fits. */
export function broadcast(shapes: readonly (TensorShape | null | undefined)[]): TensorShape | null {
  const known = shapes.filter((shape) => shape != null);
  if (known.length < shapes.length) return null;
  const rank = Math.max(0, ...known.map((shape) => shape.length));
  const padded = known.map((shape) => [...Array<number>(rank - shape.length).fill(1), ...shape]);
  const extents = Array.from({ length: rank }, (_, axis) => {
    const along = new Set(padded.map((shape) => at(shape, axis)).filter((extent) => extent !== 1));
    return along.size > 1 ? null : ([...along][0] ?? 1);
  });
  return extents.every((extent) => extent !== null) ? extents : null;
}
