import { at } from '@umbra/shared/assert';
import { broadcast } from './broadcast.js';
import type { MapAxes, Reach, TensorShape } from './graph.js';
import { movedAxes } from './map-axes.js';
import { attributeOf, integerAttribute } from './onnx-model.js';
import type { NodeProto } from './onnx-proto.js';
import { windowsOf } from './onnx-windows.js';
import {
  axesOf,
  axisFrom,
  integersAttribute,
  listOf,
  type Operand,
  type Operands,
  textAttribute,
} from './operand.js';
import {
  broadcastOperators,
  permutation,
  reductions,
  slicesOf,
  unaryOperators,
} from './shape-rules.js';
import { type AxisWindow, endsInPadding } from './window.js';

/** How a node's outputs depend on its inputs in space, and where their rows and columns lie. */
export type NodeReach = {
  readonly reach: Reach;
  /** Axes of every output; null where they are no maps, or where that is not known. */
  readonly axes: MapAxes | null;
};

type NodeContext = {
  readonly node: NodeProto;
  readonly operands: Operands;
  /** Shape of the first output. */
  readonly output: TensorShape | null;
  /** Version of ONNX's operator set. */
  readonly opset: number;
};
type ReachRule = (context: NodeContext) => NodeReach;

const unknown: NodeReach = { reach: { kind: 'unknown' }, axes: null };
const globally: NodeReach = { reach: { kind: 'global' }, axes: null };
const planar: MapAxes = { y: 2, x: 3 };
const pointwise = (axes: MapAxes): NodeReach => ({ reach: { kind: 'pointwise' }, axes });

/** Find how a node reaches in space; unknown for operations not listed here. */
export function reachOf(context: NodeContext): NodeReach {
  const { domain = '', opType } = context.node;
  const rule = domain === '' || domain === 'ai.onnx' ? rules.get(opType) : undefined;
  if (rule === undefined || context.output === null) return unknown;
  return rule(context);
}

/** The one computed operand, if that is the first and a map; its other operands are constants. */
function onlyMap([input, ...others]: Operands): (Operand & Mapped) | null {
  const single = input !== undefined && others.every((one) => one === undefined || one.constant);
  return single && isMapped(input) ? input : null;
}

type Mapped = { readonly axes: MapAxes; readonly shape: TensorShape };
const isMapped = (operand: Operand | undefined): operand is Operand & Mapped =>
  operand !== undefined && operand.axes !== null && operand.shape !== null;

/** Whether an axis tells images, rows or columns apart. */
const isPlace = (axis: number, { y, x }: MapAxes): boolean =>
  axis === 0 || axis === y || axis === x;

/** Runs along some axes of its first operand: pointwise where they are all of channels. */
const along =
  (axesRead: (context: NodeContext, rank: number) => readonly number[] | null): ReachRule =>
  (context) => {
    const map = onlyMap(context.operands);
    if (map === null) return globally;
    const axes = axesRead(context, map.shape.length);
    if (axes === null || context.node.output.filter((name) => name !== '').length > 1)
      return unknown;
    return axes.some((axis) => isPlace(axis, map.axes)) ? globally : pointwise(map.axes);
  };

/** An operation on one map; its other operands are constants that are the same at every place. */
const each: ReachRule = ({ operands }) => {
  const map = onlyMap(operands);
  if (map === null) return operands[0]?.constant === false ? globally : unknown;
  return pointwise(map.axes);
};

/** Normalizes by numbers of each channel, which are of axis 1. */
const perChannel = along(() => [1]);

/** An elementwise operation with broadcasting. */
const combine: ReachRule = ({ operands, output }) => {
  const rank = output?.length ?? 0;
  const given = operands.filter((one) => one !== undefined);
  const computed = given.filter(({ constant }) => !constant);
  const first = computed.find(isMapped);
  if (output === null || first === undefined || first.shape.length !== rank) return globally;
  const { axes } = first;
  const whole = computed.every(
    (one) =>
      isMapped(one) &&
      one.shape.length === rank &&
      [axes.y, axes.x].every((axis) => one.shape[axis] === output[axis]) &&
      one.axes.y === axes.y &&
      one.axes.x === axes.x,
  );
  const flat = given.every(({ constant, shape }) => !constant || isFlat(shape, axes, rank));
  if (whole && flat) return pointwise(axes);
  // A map scaled by what was computed from all of it, as in squeeze-and-excitation.
  return { ...(flat ? globally : unknown), axes: flat ? axes : null };
};

/** Whether a constant is the same everywhere on a map of some rank. */
const isFlat = (shape: TensorShape | null, { y, x }: MapAxes, rank: number): boolean =>
  shape !== null && [0, y, x].every((axis) => (shape[axis - (rank - shape.length)] ?? 1) === 1);

/** What slides over the rows and columns of a map with channels first. */
function slide({ node, operands: [input] }: NodeContext, kernel: readonly number[]) {
  const { shape, axes } = input ?? {};
  if (shape?.length !== 4) return null;
  if (axes && (axes.y !== planar.y || axes.x !== planar.x)) return null;
  const [y, x] = windowsOf(node, kernel, shape.slice(2)) ?? [];
  if (y === undefined || x === undefined) return null;
  return endsInPadding(y, at(shape, 2)) || endsInPadding(x, at(shape, 3)) ? null : { y, x };
}

/** @param padValue What the padding holds: see `Reach`. */
const windowed = (
  windows: { readonly y: AxisWindow; readonly x: AxisWindow } | null,
  padValue: number | null,
): NodeReach =>
  windows === null ? unknown : { reach: { kind: 'window', ...windows, padValue }, axes: planar };

const conv: ReachRule = (context) => {
  const [, weight] = context.operands;
  const [, , ...kernel] = weight?.shape ?? [];
  return weight?.constant ? windowed(slide(context, kernel), 0) : unknown;
};

const maxPool: ReachRule = (context) => {
  const { node } = context;
  const facts = windowed(
    slide(context, integersAttribute(node, 'kernel_shape')),
    Number.NEGATIVE_INFINITY,
  );
  // The last window may reach further beyond the map than runtimes take as padding.
  const dilated = Math.max(1, ...integersAttribute(node, 'dilations')) > 1;
  const ceil = attributeOf(node, 'ceil_mode')?.i === 1;
  return (dilated && ceil) || node.output.length > 1 ? unknown : facts;
};

const averagePool: ReachRule = (context) => {
  const { node } = context;
  const countsPadding = attributeOf(node, 'count_include_pad')?.i === 1;
  const windows = slide(context, integersAttribute(node, 'kernel_shape'));
  // Runtimes do not agree on the divisor of a window that reaches beyond the padding.
  return windows?.y.ceil && countsPadding ? unknown : windowed(windows, countsPadding ? 0 : null);
};

const step: Omit<AxisWindow, 'padBegin' | 'padEnd'> = {
  kernel: 1,
  stride: 1,
  dilation: 1,
  ceil: false,
};

/** `Pad` on the spatial axes: a window of one input that may lie outside. */
const pad: ReachRule = ({ node, operands }) => {
  const [input, amounts, value, axesInput] = operands;
  const pads = listOf(node, 'pads', amounts);
  const mode = textAttribute(node, 'mode') || 'constant';
  const map = onlyMap(operands);
  if (map === null || pads === null || mode !== 'constant') return unknown;
  const rank = map.shape.length;
  const listed = axesOf(node, axesInput, rank);
  if (listed === null || input === undefined) return unknown;
  const axes = listed.length > 0 ? listed : [...map.shape.keys()];
  const amount = (axis: number) => {
    const place = axes.indexOf(axis);
    return place < 0 ? [0, 0] : [at(pads, place), at(pads, place + axes.length)];
  };
  const still = [...map.shape.keys()].every(
    (axis) => axis === map.axes.y || axis === map.axes.x || Math.max(...amount(axis)) === 0,
  );
  const fill = value === undefined ? (attributeOf(node, 'value')?.f ?? 0) : value.values?.[0];
  if (!still || fill === undefined || Math.min(...pads) < 0) return unknown;
  const window = (axis: number): AxisWindow => {
    const [padBegin = 0, padEnd = 0] = amount(axis);
    return { ...step, padBegin, padEnd };
  };
  const windows = { y: window(map.axes.y), x: window(map.axes.x) };
  return { reach: { kind: 'window', ...windows, padValue: fill }, axes: map.axes };
};

const concat: ReachRule = ({ node, operands, output }) => {
  const [first] = operands;
  if (!isMapped(first) || output === null) return globally;
  const axis = axisFrom(integerAttribute(node, 'axis', 0), output.length);
  const alike = operands.every(
    (one) =>
      one !== undefined &&
      !one.constant &&
      one.axes?.y === first.axes.y &&
      one.axes.x === first.axes.x,
  );
  return alike && !isPlace(axis, first.axes) ? pointwise(first.axes) : globally;
};

/** `Softmax`: along one axis only from opset 13 on, and over all that follow it before. */
const softmax = along(({ node, opset }, rank) => {
  const axis = axisFrom(integerAttribute(node, 'axis', opset >= 13 ? -1 : 1), rank);
  return opset >= 13 ? [axis] : axesUpTo(axis, rank);
});

const axesUpTo = (first: number, rank: number): readonly number[] =>
  Array.from({ length: rank - first }, (_, index) => first + index);

const layerNorm = along(({ node }, rank) =>
  axesUpTo(axisFrom(integerAttribute(node, 'axis', -1), rank), rank),
);

/** A mean or sum over channels leaves maps; over rows or columns it reads all of them. */
const reduce: ReachRule = ({ node, operands, output }) => {
  const [input, axesInput] = operands;
  const map = onlyMap(operands);
  if (map === null || input === undefined || output === null) return globally;
  const axes = axesOf(node, axesInput, map.shape.length);
  if (axes === null || axes.length === 0) return globally;
  if (axes.some((axis) => isPlace(axis, map.axes))) {
    return { ...globally, axes: output.length === 4 ? planar : null };
  }
  const lost = output.length === map.shape.length ? [] : axes;
  const moved = (axis: number) => axis - lost.filter((one) => one < axis).length;
  return pointwise({ y: moved(map.axes.y), x: moved(map.axes.x) });
};

const transpose: ReachRule = ({ node, operands }) => {
  const map = onlyMap(operands);
  if (map === null) return globally;
  const order = permutation(node, map.shape.length);
  if (order[0] !== 0) return globally;
  return pointwise({ y: order.indexOf(map.axes.y), x: order.indexOf(map.axes.x) });
};

/** Keeps each number's place in memory. */
const reshape: ReachRule = ({ operands, output }) => {
  const map = onlyMap(operands);
  const axes = map && output && movedAxes(map.shape, map.axes, output);
  return axes ? pointwise(axes) : globally;
};

/** Takes stretches of channels; or every nth row or column, as a window of one that strides. */
const slice: ReachRule = ({ node, operands }) => {
  const map = onlyMap(operands);
  const slices = slicesOf(node, operands);
  if (map === null) return globally;
  if (slices === null) return unknown;
  const placed = slices.filter(
    ({ axis, length, step: by }) =>
      isPlace(axis, map.axes) && (length !== map.shape[axis] || by !== 1),
  );
  if (placed.length === 0) return pointwise(map.axes);
  const others = slices.filter(({ axis }) => !isPlace(axis, map.axes));
  if (others.some(({ axis, length, step: by }) => length !== map.shape[axis] || by !== 1))
    return unknown;
  if (placed.some(({ axis, step: by, length }) => axis === 0 || by < 1 || length === 0))
    return globally;
  const window = (axis: number): AxisWindow => {
    const {
      start,
      step: stride,
      length,
    } = placed.find((one) => one.axis === axis) ?? {
      start: 0,
      step: 1,
      length: at(map.shape, axis),
    };
    const padEnd = start + (length - 1) * stride + 1 - at(map.shape, axis);
    return { ...step, stride, padBegin: -start, padEnd };
  };
  const windows = { y: window(map.axes.y), x: window(map.axes.x) };
  return { reach: { kind: 'window', ...windows, padValue: null }, axes: map.axes };
};

const split: ReachRule = ({ node, operands }) => {
  const map = onlyMap(operands);
  if (map === null) return globally;
  const axis = axisFrom(integerAttribute(node, 'axis', 0), map.shape.length);
  return isPlace(axis, map.axes) ? globally : pointwise(map.axes);
};

/** Picks channels; a single index drops their axis. */
const gather: ReachRule = ({ node, operands }) => {
  const map = onlyMap(operands);
  const rank = operands[1]?.shape?.length;
  if (map === null || rank === undefined) return globally;
  const axis = axisFrom(integerAttribute(node, 'axis', 0), map.shape.length);
  if (isPlace(axis, map.axes)) return globally;
  const moved = (one: number) => (one > axis ? one + rank - 1 : one);
  return pointwise({ y: moved(map.axes.y), x: moved(map.axes.x) });
};

/** Multiplies the last axis, of channels, by a matrix. */
const matMul: ReachRule = ({ operands }) => {
  const map = onlyMap(operands);
  if (map === null || operands[1]?.shape?.length !== 2) return globally;
  return isPlace(map.shape.length - 1, map.axes) ? globally : pointwise(map.axes);
};

const expand: ReachRule = ({ operands, output }) => {
  const map = onlyMap(operands);
  if (map === null || output === null) return globally;
  const same = broadcast([map.shape, output])?.length === map.shape.length;
  const fits = [map.axes.y, map.axes.x].every((axis) => map.shape[axis] === output[axis]);
  return same && fits ? pointwise(map.axes) : globally;
};

/** Normalizes by numbers of the whole map. */
const normalize: ReachRule = ({ operands: [input] }) => ({
  ...globally,
  axes: input?.axes ?? null,
});

const global: ReachRule = ({ output }) => ({
  ...globally,
  axes: output?.length === 4 ? planar : null,
});

const listed = (names: string, rule: ReachRule): [string, ReachRule][] =>
  names.split(' ').map((name) => [name, rule]);

const rules: ReadonlyMap<string, ReachRule> = new Map([
  ...listed(unaryOperators, each),
  ...listed('Dropout QuantizeLinear DequantizeLinear', each),
  ...listed(broadcastOperators, combine),
  ...listed(reductions, reduce),
  ...listed('Softmax LogSoftmax', softmax),
  ...listed('LayerNormalization RMSNormalization', layerNorm),
  ...listed('BatchNormalization', perChannel),
  ...listed('GlobalAveragePool GlobalMaxPool GlobalLpPool', global),
  ...listed('Reshape Flatten Squeeze Unsqueeze', reshape),
  ...listed('InstanceNormalization GroupNormalization', normalize),
  ...listed('Gemm Einsum Attention', () => globally),
  ...Object.entries({
    Conv: conv,
    MaxPool: maxPool,
    AveragePool: averagePool,
    Pad: pad,
    Concat: concat,
    Transpose: transpose,
    Slice: slice,
    Split: split,
    Gather: gather,
    MatMul: matMul,
    Expand: expand,
  }),
]);
