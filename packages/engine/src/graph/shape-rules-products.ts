import { at } from '@umbra/shared/assert';
import { broadcast } from './broadcast.js';
import type { TensorShape } from './graph.js';
import { integerAttribute } from './onnx-model.js';
import type { NodeProto } from './onnx-proto.js';
import { type Operand, type Operands, textAttribute } from './operand.js';
import type { ShapeRule, ShapeRules } from './shape-rule.js';

/** Shape of a product of matrices; the axes before the last two are broadcast. */
function product(a: TensorShape | null | undefined, b: TensorShape | null | undefined) {
  if (!a?.length || !b?.length) return null;
  const [left, right] = [a.length === 1 ? [1, ...a] : a, b.length === 1 ? [...b, 1] : b];
  if (left.at(-1) !== right.at(-2)) return null;
  const outer = broadcast([left.slice(0, -2), right.slice(0, -2)]);
  const rows = a.length === 1 ? [] : left.slice(-2, -1);
  const columns = b.length === 1 ? [] : right.slice(-1);
  return outer && [...outer, ...rows, ...columns];
}

const matMul =
  (first: number, second: number): ShapeRule =>
  (_node, operands) => [product(operands[first]?.shape, operands[second]?.shape)];

const swapped = (shape: TensorShape | null | undefined, isSwapped: boolean) =>
  isSwapped ? shape?.toSpliced(-2, 2, ...shape.slice(-2).reverse()) : shape;

const fusedMatMul: ShapeRule = (node, [a, b]) => {
  if (integerAttribute(node, 'transBatchA', 0) || integerAttribute(node, 'transBatchB', 0))
    return [];
  const left = swapped(a?.shape, integerAttribute(node, 'transA', 0) === 1);
  return [product(left, swapped(b?.shape, integerAttribute(node, 'transB', 0) === 1))];
};

const gemm =
  (second: number): ShapeRule =>
  (node, operands) => {
    const [a, b] = [operands[0]?.shape, operands[second]?.shape];
    const left = swapped(a, integerAttribute(node, 'transA', 0) === 1);
    return [product(left, swapped(b, integerAttribute(node, 'transB', 0) === 1))];
  };

/** An `Einsum`: the labels of its operands and of its output, and the extent of each. */
export type Einsum = {
  readonly inputs: readonly string[];
  readonly output: string;
  readonly extents: ReadonlyMap<string, number>;
};

/** Read the equation of an `Einsum`; null where it has an ellipsis or a shape is not known. */
export function readEinsum(node: NodeProto, operands: Operands): Einsum | null {
  const equation = textAttribute(node, 'equation').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const inputs = left.split(',');
  if (equation.includes('.') || inputs.length !== operands.length) return null;
  const extents = new Map<string, number>();
  for (const [index, labels] of inputs.entries()) {
    const shape = operands[index]?.shape;
    if (shape?.length !== labels.length) return null;
    for (const [axis, label] of [...labels].entries()) {
      extents.set(label, Math.max(extents.get(label) ?? 1, at(shape, axis)));
    }
  }
  // Without an output the labels that occur once are kept, in alphabetical order.
  const once = [...new Set(left)].filter(
    (label) => extents.has(label) && left.split(label).length === 2,
  );
  return { inputs, output: right ?? once.sort().join(''), extents };
}

const einsum: ShapeRule = (node, operands) => {
  const read = readEinsum(node, operands);
  return [read && [...read.output].map((label) => read.extents.get(label) ?? Number.NaN)];
};

/** Extents of an attention: what its keys and values have a head, and how many see how many. */
export type AttentionExtents = {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly headSize: number;
  readonly valueSize: number;
};

/** Read the extents of ONNX's own `Attention`; null where they are not known. */
export function readAttention(node: NodeProto, operands: Operands): AttentionExtents | null {
  const [query, key, value, , pastKey] = operands;
  const queries = headsOf(query, integerAttribute(node, 'q_num_heads', 0));
  const keys = headsOf(key, integerAttribute(node, 'kv_num_heads', 0));
  const values = headsOf(value, integerAttribute(node, 'kv_num_heads', 0));
  if (queries === null || keys === null || values === null) return null;
  const { batch, heads, length, size } = queries;
  return {
    batch,
    heads,
    queries: length,
    keys: keys.length + (pastKey?.shape?.[2] ?? 0),
    headSize: size,
    valueSize: values.size,
  };
}

/** [batch, heads, length, size], or [batch, length, heads * size]. */
function headsOf(operand: Operand | undefined, heads: number) {
  const shape = operand?.shape;
  if (shape?.length === 4) {
    return { batch: at(shape, 0), heads: at(shape, 1), length: at(shape, 2), size: at(shape, 3) };
  }
  if (shape?.length !== 3 || heads === 0) return null;
  return { batch: at(shape, 0), heads, length: at(shape, 1), size: at(shape, 2) / heads };
}

const attention: ShapeRule = (node, operands) => {
  // Microsoft's `Attention` multiplies by the weights of queries, keys and values itself.
  if (node.domain === 'com.microsoft') return microsoftAttention(node, operands, 0);
  const read = readAttention(node, operands);
  const query = operands[0]?.shape;
  if (read === null || query == null) return [];
  const { heads, valueSize } = read;
  return [query.with(-1, query.length === 4 ? valueSize : heads * valueSize)];
};

const microsoftAttention: ShapeRule = (node, [input, weight]) => {
  const sizes = node.attribute?.find(({ name }) => name === 'qkv_hidden_sizes')?.ints;
  const hidden = sizes?.length ? sizes[2] : (weight?.shape?.[1] ?? Number.NaN) / 3;
  return [input?.shape?.with(-1, hidden ?? Number.NaN) ?? null];
};

/** Queries [batch, length, size]; the values' size may differ from theirs where they are not packed. */
const multiHead: ShapeRule = (_node, [query, , value]) => {
  if (query?.shape?.length !== 3 || value?.shape?.length !== 3) return [];
  return [query.shape.with(-1, at(value.shape, 2))];
};

const groupQuery: ShapeRule = (_node, [query, key]) =>
  key?.shape == null ? [] : [query?.shape ?? null];

/** [length, directions, batch, hidden], then the last states, [directions, batch, hidden]. */
const recurrent: ShapeRule = (node, [input, weight, recurrence]) => {
  const hidden = integerAttribute(node, 'hidden_size', recurrence?.shape?.at(-1) ?? Number.NaN);
  const directions = weight?.shape?.[0] ?? Number.NaN;
  if (input?.shape?.length !== 3) return [];
  const batchFirst = integerAttribute(node, 'layout', 0) === 1;
  const [first, second] = [at(input.shape, 0), at(input.shape, 1)];
  if (batchFirst) {
    const state = [first, directions, hidden];
    return [[first, second, directions, hidden], state, state];
  }
  const state = [directions, second, hidden];
  return [[first, directions, second, hidden], state, state];
};

export const productShapes: ShapeRules = {
  MatMul: matMul(0, 1),
  MatMulInteger: matMul(0, 1),
  MatMulIntegerToFloat: matMul(0, 1),
  DynamicQuantizeMatMul: matMul(0, 1),
  QLinearMatMul: matMul(0, 3),
  FusedMatMul: fusedMatMul,
  MatMulNBits: (node, [a]) => [a?.shape?.with(-1, integerAttribute(node, 'N', Number.NaN)) ?? null],
  Gemm: gemm(1),
  FusedGemm: gemm(1),
  QGemm: gemm(3),
  Einsum: einsum,
  Attention: attention,
  QAttention: microsoftAttention,
  MultiHeadAttention: multiHead,
  GroupQueryAttention: groupQuery,
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
};
