import { at } from '@umbra/shared/assert';
import type { TensorShape } from './graph.js';
import { attributeOf, integerAttribute } from './onnx-model.js';
import { type NodeProto, onnxType } from './onnx-proto.js';
import {
  axisFrom,
  constantOperand,
  isWholeType,
  maxValues,
  type Operand,
  type Operands,
  sizeOf,
} from './operand.js';
import { permutation, slicesOf } from './shape-rules.js';

/**
 * Computes a node's first output where it is small and depends on extents alone, as exporters write
 * the targets of a `Reshape` or an `Expand`.
 *
 * @param shape Shape of that output.
 * @returns Its numbers, flattened; null where they are not known.
 */
type ValueRule = (
  node: NodeProto,
  operands: Operands,
  shape: TensorShape,
) => readonly number[] | null;

/** Compute a node's first output from numbers that are known; null where they are not. */
export function knownValues(
  node: NodeProto,
  operands: Operands,
  shape: TensorShape | null,
): Pick<Operand, 'values' | 'type'> {
  const type = resultType(node, operands);
  if (shape === null || sizeOf(shape) > maxValues) return { values: null, type };
  const values = rules.get(node.opType)?.(node, operands, shape) ?? null;
  const isKnown = values?.length === sizeOf(shape) && values.every(Number.isFinite);
  return { values: isKnown ? values : null, type };
}

function resultType(node: NodeProto, operands: Operands): number {
  switch (node.opType) {
    case 'Shape':
    case 'Size':
      return onnxType.int64;
    case 'Cast':
      return integerAttribute(node, 'to', onnxType.float);
    case 'Equal':
      return onnxType.bool;
    case 'ConstantOfShape':
      return constantOf(node)?.type ?? onnxType.float;
    default:
      // The first of `Where` is the condition.
      return operands[node.opType === 'Where' ? 1 : 0]?.type ?? onnxType.undefined;
  }
}

/** The constant that a node's attributes hold, whichever does. */
export function constantOf(node: NodeProto): Operand | null {
  const tensor = attributeOf(node, 'value')?.t;
  if (tensor !== undefined) return constantOperand(tensor.dims, tensor);
  const [attribute] = node.attribute ?? [];
  const known = (shape: TensorShape, values: readonly number[], type: number): Operand => {
    return { shape, values, type, constant: true, axes: null };
  };
  switch (attribute?.name) {
    case 'value_ints':
      return known([attribute.ints?.length ?? 0], attribute.ints ?? [], onnxType.int64);
    case 'value_floats':
      return known([attribute.floats?.length ?? 0], attribute.floats ?? [], onnxType.float);
    case 'value_int':
      return known([], [attribute.i ?? 0], onnxType.int64);
    case 'value_float':
      return known([], [attribute.f ?? 0], onnxType.float);
    default:
      return null;
  }
}

const same: ValueRule = (_node, [input]) => input?.values ?? null;

/** Apply a function element by element, with broadcasting. */
const elementwise =
  (apply: (a: number, b: number, c: number) => number): ValueRule =>
  (_node, operands, shape) => {
    const read = operands.map((operand) => {
      const known = knownOf(operand);
      return known && expandTo(known, shape);
    });
    if (!read.every((values) => values !== null)) return null;
    return Array.from({ length: sizeOf(shape) }, (_, index) => {
      const [a = 0, b = 0, c = 0] = read.map((values) => at(values, index));
      return apply(a, b, c);
    });
  };

type Known = { readonly values: readonly number[]; readonly shape: TensorShape };

/**
 * Fill a tensor with numbers of another.
 *
 * @param placeOf Finds the place in the source of a place in the result, each one index an axis.
 */
function moveValues(
  { values, shape: source }: Known,
  shape: TensorShape,
  placeOf: (place: readonly number[]) => readonly number[],
): readonly number[] {
  return Array.from({ length: sizeOf(shape) }, (_, index) => {
    const place = shape.map((extent, axis) => {
      return Math.floor(index / sizeOf(shape.slice(axis + 1))) % extent;
    });
    return at(
      values,
      placeOf(place).reduce((sum, one, axis) => sum * at(source, axis) + one, 0),
    );
  });
}

/** Repeat numbers to fill a shape that they are broadcast to. */
const expandTo = (known: Known, shape: TensorShape): readonly number[] =>
  moveValues(known, shape, (place) =>
    known.shape.map((extent, axis) => {
      return extent === 1 ? 0 : at(place, axis + shape.length - known.shape.length);
    }),
  );

/** What an operand is known to hold; null where that is not known. */
const knownOf = (operand: Operand | undefined): Known | null =>
  operand?.values && operand.shape ? { values: operand.values, shape: operand.shape } : null;

const gather: ValueRule = (node, [input, indices], shape) => {
  const known = knownOf(input);
  const chosen = knownOf(indices);
  if (known === null || chosen === null) return null;
  const axis = axisFrom(integerAttribute(node, 'axis', 0), known.shape.length);
  const rank = chosen.shape.length;
  return moveValues(known, shape, (place) => {
    const [index = 0] = moveValues(chosen, [1], () => place.slice(axis, axis + rank));
    return [
      ...place.slice(0, axis),
      axisFrom(index, at(known.shape, axis)),
      ...place.slice(axis + rank),
    ];
  });
};

const slice: ValueRule = (node, operands, shape) => {
  const known = knownOf(operands[0]);
  const slices = slicesOf(node, operands);
  if (known === null || slices === null) return null;
  return moveValues(known, shape, (place) =>
    place.map((index, axis) => {
      const { start = 0, step = 1 } = slices.find((one) => one.axis === axis) ?? {};
      return start + index * step;
    }),
  );
};

const transpose: ValueRule = (node, [input], shape) => {
  const known = knownOf(input);
  if (known === null) return null;
  const order = permutation(node, shape.length);
  return moveValues(known, shape, (place) =>
    known.shape.map((_, axis) => at(place, order.indexOf(axis))),
  );
};

const concat: ValueRule = (_node, operands) => {
  const lists = operands.map((operand) => (operand?.shape?.length === 1 ? operand.values : null));
  return lists.every((list) => list !== null) ? lists.flat() : null;
};

const shapeOf: ValueRule = (node, [input]) => {
  const rank = input?.shape?.length ?? 0;
  const start = axisFrom(integerAttribute(node, 'start', 0), rank);
  return input?.shape?.slice(start, axisFrom(integerAttribute(node, 'end', rank), rank)) ?? null;
};

const range: ValueRule = (_node, [start, limit, step]) => {
  const [from, to, by] = [start?.values?.[0], limit?.values?.[0], step?.values?.[0]];
  if (from === undefined || to === undefined || !by) return null;
  const length = Math.max(0, Math.ceil((to - from) / by));
  return length > maxValues ? null : Array.from({ length }, (_, index) => from + index * by);
};

/** `Range` has no shape before its values are known. */
export const rangeLength = (node: NodeProto, operands: Operands): number | null =>
  node.opType === 'Range' ? (range(node, operands, [])?.length ?? null) : null;

const rules: ReadonlyMap<string, ValueRule> = new Map<string, ValueRule>([
  ['Shape', shapeOf],
  ['Size', (_node, [input]) => (input?.shape ? [sizeOf(input.shape)] : null)],
  ['Gather', gather],
  ['Slice', slice],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Range', range],
  [
    'ConstantOfShape',
    (node, _operands, shape) => {
      const [value = 0] = constantOf(node)?.values ?? [];
      return Array<number>(sizeOf(shape)).fill(value);
    },
  ],
  [
    'Expand',
    (_node, [input], shape) => {
      const known = knownOf(input);
      return known && expandTo(known, shape);
    },
  ],
  ['ReduceProd', (_node, [input]) => (input?.values ? [sizeOf(input.values)] : null)],
  ...['Identity', 'Unsqueeze', 'Squeeze', 'Reshape', 'Flatten'].map((op): [string, ValueRule] => [
    op,
    same,
  ]),
  [
    'Cast',
    (node, [input]) => {
      const values = input?.values ?? null;
      return isWholeType(integerAttribute(node, 'to', onnxType.float))
        ? (values?.map(Math.trunc) ?? null)
        : values;
    },
  ],
  ...Object.entries({
    Add: (a: number, b: number) => a + b,
    Sub: (a: number, b: number) => a - b,
    Mul: (a: number, b: number) => a * b,
    Min: Math.min,
    Max: Math.max,
    Equal: (a: number, b: number) => Number(a === b),
    Where: (condition: number, a: number, b: number) => (condition === 0 ? b : a),
    Floor: Math.floor,
    Ceil: Math.ceil,
    Mod: (a: number, b: number) => a - b * Math.floor(a / b),
    Neg: (a: number) => -a,
  }).map(([op, apply]): [string, ValueRule] => [op, elementwise(apply)]),
  [
    'Div',
    (node, operands, shape) => {
      const quotients = elementwise((a, b) => a / b)(node, operands, shape);
      const isWhole = operands.every((operand) => operand && isWholeType(operand.type));
      return isWhole ? (quotients?.map(Math.trunc) ?? null) : quotients;
    },
  ],
]);
