import { integrity } from '@umbra/shared/errors';

/** Numbers as bytes of little-endian float32, whatever the machine's own order is. */
export function floatBytes(values: ArrayLike<number>): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // Hot: the index lies inside the values.
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i] as number, true);
  return bytes;
}

/** The inverse of `floatBytes`. @throws {AppError} `integrity` if a number is cut. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  if (bytes.length % 4 !== 0) {
    throw integrity(`Expected whole float32 numbers, got ${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

/** Cells of a lattice as a report has them: base64 of little-endian float32, row-major; NaN stays NaN. */
export const encodeCells = (values: ArrayLike<number>): string =>
  floatBytes(values).toString('base64');

/** The inverse of `encodeCells`. @throws {AppError} `integrity` if a number is cut. */
export const decodeCells = (text: string): Float32Array => floatsOf(Buffer.from(text, 'base64'));
