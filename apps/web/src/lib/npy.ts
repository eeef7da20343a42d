/** An array as NumPy keeps it: numbers in C order, and its extents. */
export type NpyArray = {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Bytes before the header's text: magic, version and the text's length. */
const prefixBytes = { 1: 10, 2: 12 } as const;

/**
 * Read an array of little-endian float32 or int32 numbers, as the service writes them.
 *
 * @throws {Error} If it is no such file, or is cut off.
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function readNpy(bytes: ArrayBuffer): NpyArray {
  const view = new DataView(bytes);
  const isNpy =
    bytes.byteLength > 12 && magic.every((byte, index) => view.getUint8(index) === byte);
  if (!isNpy) throw new Error('Expected a NumPy file, got something else');
  const start = view.getUint8(6) === 1 ? prefixBytes[1] : prefixBytes[2];
  const length = start === prefixBytes[1] ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = new TextDecoder('latin1').decode(bytes.slice(start, start + length));
  const { type, shape } = parseHeader(header);
  const count = shape.reduce((product, extent) => product * extent, 1);
  const body = start + length;
  if (bytes.byteLength !== body + count * 4) {
    throw new Error(`Expected ${count} numbers of 4 bytes, got ${bytes.byteLength - body} bytes`);
  }
  const read = type === '<f4' ? view.getFloat32.bind(view) : view.getInt32.bind(view);
  const data = type === '<f4' ? new Float32Array(count) : new Int32Array(count);
  for (let index = 0; index < count; index++) data[index] = read(body + index * 4, true);
  return { data, shape };
}

function parseHeader(text: string): { type: '<f4' | '<i4'; shape: number[] } {
  const type = /'descr': '([^']+)'/.exec(text)?.[1];
  const extents = /'shape': \(([\d, ]*)\)/.exec(text)?.[1];
  const isOrdered = /'fortran_order': False/.test(text);
  if ((type !== '<f4' && type !== '<i4') || extents === undefined || !isOrdered) {
    throw new Error(`Expected float32 or int32 in C order, got '${text.trim()}'`);
  }
  const shape = extents
    .split(',')
    .filter((extent) => extent.trim() !== '')
    .map(Number);
  return { type, shape };
}
