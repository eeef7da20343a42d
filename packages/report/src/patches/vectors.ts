import { at } from '@umbra/shared/assert';
import { createNormal } from '../normal.js';

/** Numbers that a patch is clustered by, at most. */
const projected = 64;

/**
 * The vector over its length; zeros where it has none.
 *
 * @throws {RangeError} If a number of it is not finite.
 */
export function unitVector(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector));
  if (!Number.isFinite(length)) throw new RangeError('Expected features to be finite numbers');
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** Sum of the products. The vectors have one length. A measured inner loop, and so without `at`. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) {
    sum += (a[index] as number) * (b[index] as number);
  }
  return sum;
}

/** Mean of vectors of one length; at least one. */
export function meanVector(vectors: readonly (Float32Array | Float64Array)[]): Float64Array {
  const mean = new Float64Array(at(vectors, 0).length);
  for (const vector of vectors) {
    for (let index = 0; index < mean.length; index += 1) {
      mean[index] = (mean[index] as number) + (vector[index] as number) / vectors.length;
    }
  }
  return mean;
}

/**
 * Map vectors of `length` numbers to 64 by a seeded Gaussian matrix, which keeps the distances between them but for a
 * few percent on average (Johnson & Lindenstrauss 1984; Dasgupta & Gupta 2003), and make their length 1. Vectors
 * of at most 64 numbers stay as they are.
 */
export function createProjection(length: number, seed: number): (vector: Float32Array) => number[] {
  if (length <= projected) return (vector) => Array.from(vector);
  const normal = createNormal(seed);
  const rows = Array.from({ length: projected }, () => Float32Array.from({ length }, normal));
  return (vector) => {
    const image = Float32Array.from(rows, (row) => dot(row, vector));
    return Array.from(unitVector(image));
  };
}
