import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { integrity } from '@umbra/shared/errors';
import { halfFloat } from '../graph/half-float.js';
import { attributeOf, type OnnxModel, type Weight } from '../graph/onnx-model.js';

/** How numbers of an element type of ONNX lie in a file. */
type NumberType = { readonly bytes: number; read(from: Buffer, at: number): number };
const numberTypes: ReadonlyMap<number, NumberType> = new Map([
  [1, { bytes: 4, read: (from: Buffer, at: number) => from.readFloatLE(at) }],
  [10, { bytes: 2, read: (from: Buffer, at: number) => halfFloat(from.readUInt16LE(at)) }],
  [11, { bytes: 8, read: (from: Buffer, at: number) => from.readDoubleLE(at) }],
]);

/** Nodes through which a weight comes as it is. */
const passing = new Set(['Cast', 'Identity']);

/**
 * The weight that an input of a node stands for: listed as such, held by a `Constant`, or cast.
 *
 * @returns null if it is computed, or is not of floating point.
 */
export function findWeight(model: OnnxModel, name: string): Weight | null {
  const listed = model.weights.get(name);
  if (listed !== undefined) return numberTypes.has(listed.dataType) ? listed : null;
  const node = model.nodes.find(({ output }) => output?.includes(name));
  if (node !== undefined && passing.has(node.opType))
    return findWeight(model, node.input?.[0] ?? '');
  const proto = node?.opType === 'Constant' ? attributeOf(node, 'value')?.t : undefined;
  if (!proto || !numberTypes.has(proto.dataType ?? 0)) return null;
  return { name, shape: proto.dims ?? [], dataType: proto.dataType ?? 0, file: null, proto };
}

/**
 * Numbers `[start, end)` of a weight, as float32.
 *
 * @throws {AppError} `integrity` if they are not all there.
 */
export async function readWeight(
  folder: string,
  bundle: ModelBundle,
  { name, file, proto, dataType }: Weight,
  start: number,
  end: number,
): Promise<Float32Array> {
  if (proto.floatData?.length) return Float32Array.from(proto.floatData.slice(start, end));
  const type = numberTypes.get(dataType);
  if (type === undefined) throw new RangeError(`Expected '${name}' to be of floating point`);
  const decode = (bytes: Buffer) =>
    Float32Array.from({ length: end - start }, (_, at) => type.read(bytes, at * type.bytes));
  const length = (end - start) * type.bytes;
  if (file === null) {
    const bytes = Buffer.from(proto.rawData ?? []).subarray(start * type.bytes);
    if (bytes.length >= length) return decode(bytes);
    throw integrity(`Expected the model to hold all of '${name}'`);
  }
  if (!bundle.files.some(({ path }) => path === file.path)) {
    throw integrity(
      `Expected '${file.path}', which holds '${name}', in the bundle's list of files`,
    );
  }
  const handle = await open(join(folder, file.path));
  try {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await handle.read(bytes, 0, length, file.offset + start * type.bytes);
    if (bytesRead === length) return decode(bytes);
    throw integrity(`Expected '${file.path}' to hold all of '${name}'; it ends early`);
  } finally {
    await handle.close();
  }
}
