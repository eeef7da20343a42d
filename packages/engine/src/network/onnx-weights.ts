import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { integrity } from '@umbra/shared/errors';
import { halfFloat } from '../graph/half-float.js';
import {
  attributeOf,
  inlineWeight,
  type OnnxModel,
  type Weight,
  type WeightFile,
} from '../graph/onnx-model.js';
import type { Range } from '../graph/window.js';

/** Layout in a file of one of ONNX's floating-point element types. */
type FloatType = { readonly bytes: number; read(from: Buffer, at: number): number };
const floatTypes: ReadonlyMap<number, FloatType> = new Map([
  [1, { bytes: 4, read: (from: Buffer, at: number) => from.readFloatLE(at) }],
  [10, { bytes: 2, read: (from: Buffer, at: number) => halfFloat(from.readUInt16LE(at)) }],
  [11, { bytes: 8, read: (from: Buffer, at: number) => from.readDoubleLE(at) }],
]);

/** Operations that leave a weight's numbers as they are. */
const passing = new Set(['Cast', 'Identity']);

/**
 * The weight that an input of a node stands for: listed as such, held by a `Constant`, or cast.
 *
 * @returns null if it is computed, or is not of floating point.
 */
export function findWeight(model: OnnxModel, name: string): Weight | null {
  const listed = model.weights.get(name);
  if (listed !== undefined) return floatTypes.has(listed.dataType) ? listed : null;
  const node = model.nodes.find(({ output }) => output.includes(name));
  if (node === undefined) return null;
  const [source] = node.input;
  if (passing.has(node.opType) && source !== undefined) return findWeight(model, source);
  const proto = node.opType === 'Constant' ? attributeOf(node, 'value')?.t : undefined;
  if (proto === undefined) return null;
  const weight = inlineWeight(name, proto);
  return floatTypes.has(weight.dataType) ? weight : null;
}

/**
 * Read numbers of a weight, as float32.
 *
 * @param range Half-open range of indices into the weight, flattened.
 * @throws {AppError} `integrity` if they are not all there, or lie in a file that the bundle does not
 *   list.
 */
export async function readWeight(
  { folder, bundle }: { readonly folder: string; readonly bundle: ModelBundle },
  weight: Weight,
  range: Range,
): Promise<Float32Array> {
  const { name, file, proto } = weight;
  const { start, end } = range;
  if (proto.floatData?.length) return Float32Array.from(proto.floatData.slice(start, end));
  const type = floatTypes.get(weight.dataType);
  if (type === undefined) throw new RangeError(`Expected '${name}' to be of floating point`);
  const stretch = { offset: start * type.bytes, bytes: (end - start) * type.bytes };
  if (file !== null && !bundle.files.some(({ path }) => path === file.path)) {
    throw integrity(
      `Expected '${file.path}', which holds '${name}', in the bundle's list of files`,
    );
  }
  const bytes =
    file === null
      ? readInline(weight, stretch)
      : await readFromFile(folder, { name, file }, stretch);
  return Float32Array.from({ length: end - start }, (_, at) => type.read(bytes, at * type.bytes));
}

/** Bytes of a weight, from its first. */
type Stretch = { readonly offset: number; readonly bytes: number };

function readInline({ name, proto }: Weight, { offset, bytes }: Stretch): Buffer {
  const { rawData = new Uint8Array() } = proto;
  const found = Buffer.from(rawData).subarray(offset);
  if (found.length >= bytes) return found;
  throw integrity(`Expected the model to hold all of '${name}'`);
}

async function readFromFile(
  folder: string,
  { name, file }: { readonly name: string; readonly file: WeightFile },
  { offset, bytes }: Stretch,
): Promise<Buffer> {
  const handle = await open(join(folder, file.path));
  try {
    const found = Buffer.alloc(bytes);
    const { bytesRead } = await handle.read(found, 0, bytes, file.offset + offset);
    if (bytesRead === bytes) return found;
    throw integrity(`Expected '${file.path}' to hold all of '${name}'; it ends early`);
  } finally {
    await handle.close();
  }
}
