import { broadcast } from './broadcast.js';
import type { MapAxes, TensorShape } from './graph.js';
import { movedAxes } from './map-axes.js';
import { integerAttribute } from './onnx-model.js';
import { axesOf, axisFrom } from './operand.js';
import { broadcastOperators, reductions, unaryOperators } from './operators.js';
import {
  globally,
  isMapped,
  isPlace,
  type NodeContext,
  type NodeReach,
  onlyMap,
  planar,
  pointwise,
  type ReachRule,
  unknown,
} from './reach-rule.js';
import { windowReach } from './reach-rules-windows.js';
import { permutation } from './shape-rules.js';

/** Find how a node reaches in space; unknown for operations not listed here. */
export function reachOf(context: NodeContext): NodeReach {
  const { domain = '', opType } = context.node;
  const rule = domain === '' || domain === 'ai.onnx' ? rules.get(opType) : undefined;
  if (rule === undefined || context.output === null) return unknown;
  return rule(context);
}

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

/** Scales by one number, or by one for each place along an axis. */
const quantize = along(({ node, operands: [, scale] }, rank) =>
  scale?.shape === null || scale?.shape.some((extent) => extent > 1)
    ? [axisFrom(integerAttribute(node, 'axis', 1), rank)]
    : [],
);

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
  ...listed('Dropout', each),
  ...listed('QuantizeLinear DequantizeLinear', quantize),
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
    ...windowReach,
    Concat: concat,
    Transpose: transpose,
    Split: split,
    Gather: gather,
    MatMul: matMul,
    Expand: expand,
  }),
]);
