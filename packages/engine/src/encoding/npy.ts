import { integrity } from '@umbra/shared/errors';

/**
 * Encode a float32 or int32 array in NumPy's own format, version 1.0, C order, little-endian.
 *
 * @param shape Its product is the length of `data`.
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function encodeNpy(data: Float32Array | Int32Array, shape: readonly number[]): Buffer {
  const bytes = data instanceof Float32Array ? encodeFloats(data) : encodeInts(data);
  return Buffer.concat([npyHeader(data instanceof Float32Array ? '<f4' : '<i4', shape), bytes]);
}

/** The header before an array's bytes, padded to a multiple of 64 bytes. */
export function npyHeader(type: '<f4' | '<i4', shape: readonly number[]): Buffer {
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const description = `{'descr': '${type}', 'fortran_order': False, 'shape': (${extents}), }`;
  const magic = Buffer.from('\u0093NUMPY\u0001\u0000', 'latin1');
  // The header ends in a newline and is padded so that the data starts at a multiple of 64 bytes.
  const unpadded = magic.length + 2 + description.length + 1;
  const text = description + ' '.repeat((64 - (unpadded % 64)) % 64).concat('\n');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(text.length);
  return Buffer.concat([magic, length, Buffer.from(text, 'latin1')]);
}

type Npy = { readonly '<f4': Float32Array; readonly '<i4': Int32Array };

/**
 * Read an array that `encodeNpy` has written.
 *
 * @throws {AppError} `integrity` unless it has this type and shape.
 */
export function readNpy<T extends keyof Npy>(
  bytes: Buffer,
  type: T,
  shape: readonly number[],
): Npy[T] {
  const header = npyHeader(type, shape);
  const data = bytes.subarray(header.length);
  const length = shape.reduce((product, extent) => product * extent, 1);
  if (!bytes.subarray(0, header.length).equals(header) || data.length !== 4 * length) {
    throw integrity(`Expected a NumPy array ${type} [${shape.join(', ')}], got something else`);
  }
  return (type === '<f4' ? decodeFloats(data) : decodeInts(data)) as Npy[T];
}

/** Little-endian float32 bytes, whatever the machine's own order is. */
export function encodeFloats(data: Float32Array): Buffer {
  const bytes = Buffer.alloc(data.length * 4);
  data.forEach((value, index) => {
    bytes.writeFloatLE(value, index * 4);
  });
  return bytes;
}

/** The inverse of `encodeFloats`. */
export function decodeFloats(bytes: Buffer): Float32Array {
  return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) =>
    bytes.readFloatLE(index * 4),
  );
}

/** Little-endian int32 bytes. */
export function encodeInts(data: Int32Array): Buffer {
  const bytes = Buffer.alloc(data.length * 4);
  for (const [index, value] of data.entries()) bytes.writeInt32LE(value, index * 4);
  return bytes;
}

/** The inverse of `encodeInts`. */
export function decodeInts(bytes: Buffer): Int32Array {
  return Int32Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) =>
    bytes.readInt32LE(index * 4),
  );
}
