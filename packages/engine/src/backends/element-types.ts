import type { InferenceSession } from 'onnxruntime-node';
import { halfFloat, toHalfFloat } from '../graph/half-float.js';

/** What a tensor of onnxruntime holds its numbers in. */
type Numbers =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigInt64Array
  | BigUint64Array;

/** Converts between float32 and one type of a model's ends. */
type ElementType = {
  /** The least and the largest number, where it holds whole numbers alone; null otherwise. */
  readonly range: readonly [min: number, max: number] | null;
  encode(values: Float32Array): Numbers;
  decode(data: Numbers): Float32Array;
};

/** Types that models have at their ends, by onnxruntime's names. */
const elementTypes = {
  float32: { range: null, encode: (values) => values, decode: (data) => data as Float32Array },
  float64: { range: null, encode: (values) => Float64Array.from(values), decode: toFloats },
  float16: {
    range: null,
    encode: (values) => Uint16Array.from(values, toHalfFloat),
    decode: (data) => Float32Array.from(data as Uint16Array, halfFloat),
  },
  uint8: whole(Uint8Array, 0, 255),
  int8: whole(Int8Array, -128, 127),
  uint16: whole(Uint16Array, 0, 65_535),
  int16: whole(Int16Array, -32_768, 32_767),
  uint32: whole(Uint32Array, 0, 2 ** 32 - 1),
  int32: whole(Int32Array, -(2 ** 31), 2 ** 31 - 1),
  uint64: wholeOf64((values) => BigUint64Array.from(values), 0),
  int64: wholeOf64((values) => BigInt64Array.from(values), -(2 ** 53)),
} as const satisfies Readonly<Record<string, ElementType>>;

/** A type of a model's input or output whose numbers are converted at the border. */
export type ElementTypeName = keyof typeof elementTypes;

export const isElementType = (type: string): type is ElementTypeName => type in elementTypes;

/** The least and the largest number of a type of whole numbers; null for other types. */
export const wholeRange = (type: ElementTypeName): ElementType['range'] => elementTypes[type].range;

/** Type of a session's first input; float32 where its numbers are not converted. */
export function inputTypeOf({
  inputMetadata: [input],
}: Pick<InferenceSession, 'inputMetadata'>): ElementTypeName {
  return input?.isTensor && isElementType(input.type) ? input.type : 'float32';
}

/**
 * Bring what enters a model into the type that it takes. Whole numbers are rounded to the nearest and
 * held to the type's range; others to the nearest that the type has.
 */
export const encodeElements = (values: Float32Array, type: ElementTypeName): Numbers =>
  elementTypes[type].encode(values);

/** Bring what a model gives into float32; null if it holds no numbers. */
export const decodeElements = (data: unknown, type: string): Float32Array | null =>
  isElementType(type) ? elementTypes[type].decode(data as Numbers) : null;

function toFloats(data: Numbers): Float32Array {
  const floats = new Float32Array(data.length);
  for (let index = 0; index < data.length; index++) floats[index] = Number(data[index]);
  return floats;
}

/** @param numbers The array of the type. */
function whole(
  numbers: { from(values: Float32Array, map: (value: number) => number): Numbers },
  min: number,
  max: number,
): ElementType {
  return {
    range: [min, max],
    encode: (values) => numbers.from(values, (value) => roundBetween(value, min, max)),
    decode: toFloats,
  };
}

/** Describes a type of 64 bits; numbers are exact as far as float64 counts. */
function wholeOf64(collect: (values: bigint[]) => Numbers, min: number): ElementType {
  return {
    range: [min, 2 ** 53],
    encode: (values) =>
      collect(Array.from(values, (value) => BigInt(roundBetween(value, min, 2 ** 53)))),
    decode: toFloats,
  };
}

const roundBetween = (value: number, min: number, max: number): number =>
  Math.min(max, Math.max(min, Math.round(value)));
