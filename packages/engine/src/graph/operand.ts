import type { MapAxes, TensorShape } from './graph.js';
import { attributeOf, floatsIn, integersIn } from './onnx-model.js';
import { type NodeProto, onnxType, type TensorProto } from './onnx-proto.js';

/** A node's input: a computed tensor, or a constant. */
export type Operand = {
  /** null where it is not known. */
  readonly shape: TensorShape | null;
  readonly constant: boolean;
  /** The numbers of a small tensor that does not depend on what the image shows; flattened. */
  readonly values: readonly number[] | null;
  /** ONNX's number for the element type of `values`; of no meaning where those are not known. */
  readonly type: number;
  /** Axes of the rows and columns of a map; null where it is none. */
  readonly axes: MapAxes | null;
};

/** Operands by position; undefined where an optional input is left out. */
export type Operands = readonly (Operand | undefined)[];

/** Numbers of a tensor beyond which they shape no graph. */
export const maxValues = 256;

/** The operand that a constant is. */
export function constantOperand(
  shape: TensorShape | null,
  proto: TensorProto | undefined,
): Operand {
  const small = shape !== null && sizeOf(shape) <= maxValues;
  const found = small ? (integersIn(proto) ?? floatsIn(proto)) : null;
  const values = shape !== null && found?.length === sizeOf(shape) ? found : null;
  return { shape, constant: true, axes: null, values, type: proto?.dataType ?? onnxType.undefined };
}

const floatTypes: readonly number[] = [onnxType.float, onnxType.half, onnxType.double];

/** Whether an element type of ONNX is of whole numbers, which are divided without a rest. */
export const isWholeType = (type: number): boolean => !floatTypes.includes(type);

export const sizeOf = (shape: TensorShape): number =>
  shape.reduce((product, extent) => product * extent, 1);

/** An axis that may count from the end. */
export const axisFrom = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** A list attribute; empty where the node leaves it out. */
export const integersAttribute = (node: NodeProto, name: string): readonly number[] =>
  attributeOf(node, name)?.ints ?? [];

/** A text attribute; empty where the node leaves it out. */
export function textAttribute(node: NodeProto, name: string): string {
  const bytes = attributeOf(node, name)?.s;
  return bytes === undefined ? '' : Buffer.from(bytes).toString();
}

/** Integers that older operator sets give as an attribute, newer ones as an input; null if unknown. */
export function listOf(
  node: NodeProto,
  name: string,
  input: Operand | undefined,
): readonly number[] | null {
  const listed = attributeOf(node, name)?.ints;
  if (listed?.length) return listed;
  return input === undefined ? [] : input.values;
}

/**
 * Axes that a node works on, from the front.
 *
 * @returns Empty where the node names none; null where they are not known.
 */
export function axesOf(
  node: NodeProto,
  input: Operand | undefined,
  rank: number,
): readonly number[] | null {
  return listOf(node, 'axes', input)?.map((axis) => axisFrom(axis, rank)) ?? null;
}
