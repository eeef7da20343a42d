import { at } from '@umbra/shared/assert';
import { broadcast } from './broadcast.js';
import type { TensorShape } from './graph.js';
import { attributeOf, integerAttribute } from './onnx-model.js';
import type { NodeProto } from './onnx-proto.js';
import {
  axesOf,
  axisFrom,
  integersAttribute,
  listOf,
  type Operands,
  sizeOf,
  textAttribute,
} from './operand.js';
import { broadcastOperators, reductions, shapeKeepers, unaryOperators } from './operators.js';
import type { ShapeRule, ShapeRules } from './shape-rule.js';
import { productShapes } from './shape-rules-products.js';
import { windowShapes } from './shape-rules-windows.js';

/** Infer the shapes of a node's outputs; null where no rule reaches. */
export function inferShapes(
  node: NodeProto,
  operands: Operands,
  opset: number,
): readonly (TensorShape | null)[] {
  const found = rules.get(node.opType)?.(node, operands, opset) ?? [];
  return node.output.map((_, index) => {
    const shape = found[index] ?? null;
    return shape?.every((extent) => Number.isInteger(extent) && extent >= 0) ? shape : null;
  });
}

const same: ShapeRule = (_node, [input]) => [input?.shape ?? null];
const sameTwice: ShapeRule = (_node, [input]) => [input?.shape ?? null, input?.shape ?? null];
const together: ShapeRule = (_node, operands) => [broadcast(operands.map((one) => one?.shape))];

const reduce: ShapeRule = (node, [input, axesInput]) => {
  const shape = input?.shape;
  if (shape == null) return [];
  const listed = axesOf(node, axesInput, shape.length);
  if (listed === null) return [];
  if (listed.length === 0 && integerAttribute(node, 'noop_with_empty_axes', 0) === 1) {
    return [shape];
  }
  const axes = new Set(listed.length > 0 ? listed : shape.keys());
  return [withoutAxes(shape, axes, integerAttribute(node, 'keepdims', 1) === 1)];
};

const argument: ShapeRule = (node, [input]) => {
  const shape = input?.shape;
  if (shape == null) return [];
  const axis = axisFrom(integerAttribute(node, 'axis', 0), shape.length);
  return [withoutAxes(shape, new Set([axis]), integerAttribute(node, 'keepdims', 1) === 1)];
};

const withoutAxes = (shape: TensorShape, axes: ReadonlySet<number>, keep: boolean): TensorShape =>
  keep
    ? shape.map((extent, axis) => (axes.has(axis) ? 1 : extent))
    : shape.filter((_, axis) => !axes.has(axis));

const concat: ShapeRule = (node, operands) => {
  const shapes = operands.map((one) => one?.shape);
  const [first] = shapes;
  if (first == null) return [];
  const axis = axisFrom(integerAttribute(node, 'axis', 0), first.length);
  const rest = first.with(axis, 0).join();
  if (
    !shapes.every((shape) => shape?.length === first.length && shape.with(axis, 0).join() === rest)
  ) {
    return [];
  }
  const length = shapes.reduce((sum, shape) => sum + (shape?.[axis] ?? Number.NaN), 0);
  return [first.with(axis, length)];
};

const split: ShapeRule = (node, [input, sizes]) => {
  const shape = input?.shape;
  const listed = listOf(node, 'split', sizes);
  if (shape == null || listed === null) return [];
  const axis = axisFrom(integerAttribute(node, 'axis', 0), shape.length);
  const piece = Math.ceil(at(shape, axis) / node.output.length);
  return node.output.map((_, index) => {
    const rest = at(shape, axis) - piece * index;
    return shape.with(axis, listed[index] ?? Math.min(piece, rest));
  });
};

/** A slice along one axis, with positive indices. */
export type AxisSlice = {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  /** Count of elements that it keeps. */
  readonly length: number;
};

/** The slices that a `Slice` makes; null where they are not known. */
export function slicesOf(node: NodeProto, operands: Operands): readonly AxisSlice[] | null {
  const [input, startsInput, endsInput, axesInput, stepsInput] = operands;
  const shape = input?.shape;
  const starts = listOf(node, 'starts', startsInput);
  const ends = listOf(node, 'ends', endsInput);
  const steps = listOf(node, 'steps', stepsInput);
  if (shape == null || starts === null || ends === null || steps === null) return null;
  const listed = axesOf(node, axesInput, shape.length);
  if (listed === null || ends.length !== starts.length) return null;
  const axes = listed.length > 0 ? listed : [...starts.keys()];
  return axes.map((axis, index) => {
    const extent = at(shape, axis);
    const step = steps[index] ?? 1;
    const bound = (value: number, low: number, high: number) =>
      Math.min(high, Math.max(low, value < 0 ? value + extent : value));
    const [low, high] = step > 0 ? [0, extent] : [-1, extent - 1];
    const start = bound(at(starts, index), Math.max(0, low), high);
    const end = bound(at(ends, index), low, high);
    return { axis, start, step, length: Math.max(0, Math.ceil((end - start) / step)) };
  });
}

const slice: ShapeRule = (node, operands) => {
  const slices = slicesOf(node, operands);
  const shape = operands[0]?.shape;
  if (slices === null || shape == null) return [];
  return [
    slices.reduce<TensorShape>((extents, { axis, length }) => extents.with(axis, length), shape),
  ];
};

const gather: ShapeRule = (node, [input, indices]) => {
  if (input?.shape == null || indices?.shape == null) return [];
  const axis = axisFrom(integerAttribute(node, 'axis', 0), input.shape.length);
  return [input.shape.toSpliced(axis, 1, ...indices.shape)];
};

const reshape: ShapeRule = (node, [input, target]) => {
  const wanted = listOf(node, 'shape', target);
  if (input?.shape == null || wanted === null) return [];
  const source = input.shape;
  const keepsZero = integerAttribute(node, 'allowzero', 0) === 1;
  // An extent of 0 keeps the source's, which must then have that axis.
  const extents = wanted.map((extent, axis) =>
    extent === 0 && !keepsZero ? (source[axis] ?? Number.NaN) : extent,
  );
  const known = sizeOf(extents.filter((extent) => extent !== -1));
  const shape = extents.map((extent) => (extent === -1 ? sizeOf(source) / known : extent));
  return sizeOf(shape) === sizeOf(source) ? [shape] : [];
};

const flatten: ShapeRule = (node, [input]) => {
  if (input?.shape == null) return [];
  const axis = axisFrom(integerAttribute(node, 'axis', 1), input.shape.length);
  return [[sizeOf(input.shape.slice(0, axis)), sizeOf(input.shape.slice(axis))]];
};

const transpose: ShapeRule = (node, [input]) => {
  const source = input?.shape;
  return source == null ? [] : [permutation(node, source.length).map((axis) => at(source, axis))];
};

/** The order in which a `Transpose` takes its input's axes. */
export function permutation(node: NodeProto, rank: number): readonly number[] {
  const listed = integersAttribute(node, 'perm');
  return listed.length > 0 ? listed : Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
}

const squeeze: ShapeRule = (node, [input, axesInput]) => {
  if (input?.shape == null) return [];
  const axes = axesOf(node, axesInput, input.shape.length);
  if (axes === null) return [];
  return [
    input.shape.filter((extent, axis) => (axes.length > 0 ? !axes.includes(axis) : extent !== 1)),
  ];
};

const unsqueeze: ShapeRule = (node, [input, axesInput]) => {
  const listed = listOf(node, 'axes', axesInput);
  if (input?.shape == null || listed === null) return [];
  const rank = input.shape.length + listed.length;
  const axes = listed.map((axis) => axisFrom(axis, rank)).sort((a, b) => a - b);
  return [axes.reduce<TensorShape>((shape, axis) => shape.toSpliced(axis, 0, 1), input.shape)];
};

const expand: ShapeRule = (_node, [input, target]) => [broadcast([input?.shape, target?.values])];

const tile: ShapeRule = (_node, [input, repeats]) => {
  const counts = repeats?.values;
  if (input?.shape == null || counts == null) return [];
  return [input.shape.map((extent, axis) => extent * at(counts, axis))];
};

const resize: ShapeRule = (node, operands, opset) => {
  const [input] = operands;
  const [, scalesInput, sizesInput] = opset < 11 ? operands : operands.toSpliced(1, 1);
  const policy = textAttribute(node, 'keep_aspect_ratio_policy');
  const listedScales = attributeOf(node, 'scales')?.floats;
  const scales = listedScales?.length ? listedScales : scalesInput?.values;
  const sizes = sizesInput?.values;
  if (input?.shape == null || (policy !== '' && policy !== 'stretch')) return [];
  const shape = input.shape;
  const listed = integersAttribute(node, 'axes').map((axis) => axisFrom(axis, shape.length));
  const axes = listed.length > 0 ? listed : [...shape.keys()];
  if (sizes?.length === axes.length) {
    return [
      axes.reduce<TensorShape>((all, axis, at) => all.with(axis, sizes[at] ?? Number.NaN), shape),
    ];
  }
  if (scales?.length !== axes.length) return [];
  return [
    axes.reduce<TensorShape>(
      (all, axis, index) => all.with(axis, Math.floor(at(shape, axis) * at(scales, index))),
      shape,
    ),
  ];
};

const oneHot: ShapeRule = (node, [indices, depth]) => {
  const [length] = depth?.values ?? [];
  if (indices?.shape == null || length === undefined) return [];
  const rank = indices.shape.length + 1;
  const axis = axisFrom(integerAttribute(node, 'axis', -1), rank);
  return [indices.shape.toSpliced(axis, 0, length)];
};

const topK: ShapeRule = (node, [input, count]) => {
  const [length] = count?.values ?? listOf(node, 'k', undefined) ?? [];
  if (input?.shape == null || length === undefined) return [];
  const axis = axisFrom(integerAttribute(node, 'axis', -1), input.shape.length);
  const shape = input.shape.with(axis, length);
  return [shape, shape];
};

const blocks =
  (sign: 1 | -1): ShapeRule =>
  (node, [input]) => {
    const [batch, channels, height, width] = input?.shape ?? [];
    const side = integerAttribute(node, 'blocksize', 1) ** sign;
    if (batch === undefined || channels === undefined || !height || !width) return [];
    return [[batch, channels / side ** 2, height * side, width * side]];
  };

/** Every named operation keeps its rule. */
const each = (names: string, rule: ShapeRule): [string, ShapeRule][] =>
  names.split(' ').map((name) => [name, rule]);

const rules: ReadonlyMap<string, ShapeRule> = new Map([
  ...each(unaryOperators, same),
  ...each(shapeKeepers, same),
  ...each(broadcastOperators, together),
  ...each('QLinearAdd QLinearMul', (_node, operands) => [
    broadcast([operands[0]?.shape, operands[3]?.shape]),
  ]),
  ...each(reductions, reduce),
  ...each('ArgMax ArgMin', argument),
  ...each('Shape', (node, [input]) => {
    const rank = input?.shape?.length;
    if (rank === undefined) return [];
    const end = integerAttribute(node, 'end', rank);
    return [[axisFrom(end, rank) - axisFrom(integerAttribute(node, 'start', 0), rank)]];
  }),
  ...each('Size', () => [[]]),
  ...each('ConstantOfShape', (_node, [extents]) => [extents?.values ?? null]),
  ...each('DynamicQuantizeLinear', (_node, [input]) => [input?.shape ?? null, [], []]),
  ...each('GatherElements', (_node, [, indices]) => [indices?.shape ?? null]),
  ...Object.entries({
    Concat: concat,
    Split: split,
    Slice: slice,
    Gather: gather,
    Reshape: reshape,
    Flatten: flatten,
    Transpose: transpose,
    Squeeze: squeeze,
    Unsqueeze: unsqueeze,
    Expand: expand,
    Tile: tile,
    Resize: resize,
    Upsample: (node, operands) => resize(node, operands, 9),
    OneHot: oneHot,
    TopK: topK,
    DepthToSpace: blocks(1),
    SpaceToDepth: blocks(-1),
    Dropout: sameTwice,
    ...windowShapes,
    ...productShapes,
  } satisfies ShapeRules),
]);
