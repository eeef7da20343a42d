import { isMap, type Reach, type Shape } from './graph.js';
import { attributeOf, wholeNumbers } from './onnx-model.js';
import type { NodeProto, TensorProto } from './onnx-proto.js';
import { integers, textAttribute, windowsOf } from './onnx-windows.js';
import { type AxisWindow, endsInPadding, outputExtent } from './window.js';

/** A node's input: a computed tensor, or a constant. */
export type Operand = {
  readonly shape: Shape | null;
  readonly constant: boolean;
  /** A small constant's numbers. */
  readonly proto?: TensorProto | undefined;
};

/** What is known of a node's first output. */
export type NodeFacts = {
  readonly shape: Shape | null;
  readonly reach: Reach;
  readonly macsPerOutput?: number;
  readonly groups?: number;
};

type Rule = (node: NodeProto, operands: readonly Operand[], opset: number) => NodeFacts;

const unknown: NodeFacts = { shape: null, reach: { kind: 'unknown' } };
const pointwise: Reach = { kind: 'pointwise' };
const globally: Reach = { kind: 'global' };

/** Work out a node's output shape and reach; what is not known is said to be unknown. */
export function describeNode(
  node: NodeProto,
  operands: readonly Operand[],
  opset: number,
): NodeFacts {
  const rule = (node.domain ?? '') === '' ? rules.get(node.opType) : undefined;
  return rule?.(node, operands, opset) ?? unknown;
}

const conv: Rule = (node, [input, weight]) => {
  const [outputs, perGroup, ...kernel] = weight?.shape ?? [];
  if (!isMap(input?.shape) || !weight?.constant || !outputs || !perGroup) return unknown;
  return {
    ...slide(node, input.shape, kernel, outputs, 0),
    macsPerOutput: kernel.reduce((product, extent) => product * extent, perGroup),
    groups: attributeOf(node, 'group')?.i ?? 1,
  };
};

const maxPool: Rule = (node, [input]) => {
  if (!isMap(input?.shape) || (node.output?.length ?? 1) > 1) return unknown;
  const kernel = integers(node, 'kernel_shape');
  const facts = slide(node, input.shape, kernel, input.shape[1] ?? 0, Number.NEGATIVE_INFINITY);
  // The last window may reach further beyond the map than runtimes take as padding.
  const dilated = Math.max(1, ...integers(node, 'dilations')) > 1;
  const ceil = attributeOf(node, 'ceil_mode')?.i === 1;
  return dilated && ceil ? { ...facts, reach: { kind: 'unknown' } } : facts;
};

const averagePool: Rule = (node, [input]) => {
  if (!isMap(input?.shape)) return unknown;
  const countsPadding = attributeOf(node, 'count_include_pad')?.i === 1;
  const facts = slide(
    node,
    input.shape,
    integers(node, 'kernel_shape'),
    input.shape[1] ?? 0,
    countsPadding ? 0 : null,
  );
  // Runtimes do not agree on the divisor of a window that reaches beyond the padding.
  const ceil = facts.reach.kind === 'window' && facts.reach.y.ceil;
  return ceil && countsPadding ? { ...facts, reach: { kind: 'unknown' } } : facts;
};

function slide(
  node: NodeProto,
  input: Shape,
  kernel: readonly number[],
  channels: number,
  padValue: number | null,
): NodeFacts {
  const [, , height = 0, width = 0] = input;
  const windows = windowsOf(node, kernel, height, width);
  if (windows === null) return unknown;
  if (endsInPadding(windows.y, height) || endsInPadding(windows.x, width)) return unknown;
  const shape = [1, channels, outputExtent(windows.y, height), outputExtent(windows.x, width)];
  return { shape, reach: { kind: 'window', ...windows, padValue } };
}

/** `Pad` on the spatial axes: a window of one input that may lie outside. */
const pad: Rule = (node, [input, amounts, value]) => {
  const pads = integers(node, 'pads').length
    ? integers(node, 'pads')
    : wholeNumbers(amounts?.proto);
  const mode = textAttribute(node, 'mode') || 'constant';
  if (!isMap(input?.shape) || pads?.length !== 8 || mode !== 'constant') return unknown;
  const [n, c, top = 0, left = 0, n2, c2, bottom = 0, right = 0] = pads;
  const spatial = [n, c, n2, c2].every((amount) => amount === 0);
  const fill = padFill(node, value);
  if (!spatial || fill === null || Math.min(top, left, bottom, right) < 0) return unknown;
  const axis = (padBegin: number, padEnd: number): AxisWindow => {
    return { kernel: 1, stride: 1, dilation: 1, padBegin, padEnd, ceil: false };
  };
  const [, channels = 0, height = 0, width = 0] = input.shape;
  return {
    shape: [1, channels, height + top + bottom, width + left + right],
    reach: { kind: 'window', y: axis(top, bottom), x: axis(left, right), padValue: fill },
  };
};

function padFill(node: NodeProto, value: Operand | undefined): number | null {
  if (value === undefined) return attributeOf(node, 'value')?.f ?? 0;
  const { rawData, floatData } = value.proto ?? {};
  if (floatData?.length === 1) return floatData[0] ?? null;
  return rawData?.length === 4 ? Buffer.from(rawData).readFloatLE(0) : null;
}

/** One computed map; the rest are constants, one number each or one a channel. */
const each: Rule = (_node, [input, ...others]) =>
  input?.shape !== undefined && others.every(({ constant }) => constant)
    ? { shape: input.shape, reach: input.shape === null ? { kind: 'unknown' } : pointwise }
    : unknown;

/** Elementwise with broadcasting. */
const combine: Rule = (_node, operands) => {
  const computed = operands.filter(({ constant }) => !constant).map(({ shape }) => shape);
  const shape = broadcast(operands.map((operand) => operand.shape));
  if (shape === null) return unknown;
  const whole = computed.every((one) => one?.join() === shape.join());
  const flat = operands.every(({ constant, shape: one }) => !constant || isFlat(one));
  if (whole && flat) return { shape, reach: pointwise };
  // A map scaled by what was computed from all of it, as in squeeze-and-excitation.
  return { shape, reach: flat ? globally : { kind: 'unknown' } };
};

/** Whether a constant is the same everywhere on the map. */
const isFlat = (shape: Shape | null): boolean =>
  shape?.slice(-2).every((extent) => extent === 1 || shape.length < 2) ?? false;

function broadcast(shapes: readonly (Shape | null)[]): Shape | null {
  const rank = Math.max(...shapes.map((shape) => shape?.length ?? Number.NaN));
  if (Number.isNaN(rank)) return null;
  return Array.from({ length: rank }, (_, axis) =>
    Math.max(...shapes.map((shape) => shape?.at(axis - rank) ?? 1)),
  );
}

const concat: Rule = (node, operands) => {
  const [first] = operands;
  const axis = attributeOf(node, 'axis')?.i ?? 0;
  if (!isMap(first?.shape) || (axis !== 1 && axis !== -3)) return unknown;
  const [, , height, width] = first.shape;
  let channels = 0;
  for (const { shape, constant } of operands) {
    if (constant || !isMap(shape) || shape[2] !== height || shape[3] !== width) return unknown;
    channels += shape[1] ?? 0;
  }
  return { shape: [1, channels, height ?? 0, width ?? 0], reach: pointwise };
};

/** From opset 13 on, along one axis only. */
const softmax: Rule = (node, [input], opset) => {
  const axis = attributeOf(node, 'axis')?.i ?? -1;
  const shape = input?.shape ?? null;
  const overChannels = opset >= 13 && isMap(shape) && (axis === 1 || axis === -3);
  return { shape, reach: overChannels ? pointwise : globally };
};

const globalPool: Rule = (_node, [input]) =>
  isMap(input?.shape) ? { shape: [1, input.shape[1] ?? 0, 1, 1], reach: globally } : unknown;

const reduce: Rule = (node, [input, axesInput]) => {
  const listed = integers(node, 'axes');
  const axes = listed.length > 0 ? listed : wholeNumbers(axesInput?.proto);
  const shape = input?.shape ?? null;
  if (shape === null || axes === null || axes.length === 0) return unknown;
  const reduced = new Set(axes.map((axis) => (axis + shape.length) % shape.length));
  const keep = (attributeOf(node, 'keepdims')?.i ?? 1) === 1;
  const extents = shape.map((extent, axis) => (reduced.has(axis) ? 1 : extent));
  const kept = keep ? extents : extents.filter((_, axis) => !reduced.has(axis));
  return { shape: kept, reach: globally };
};

const flatten: Rule = (node, [input]) => {
  const axis = attributeOf(node, 'axis')?.i ?? 1;
  if (input?.shape == null || axis !== 1) return unknown;
  return { shape: [1, sizeOf(input.shape)], reach: globally };
};

const transpose: Rule = (node, [input]) => {
  const order = integers(node, 'perm');
  if (input?.shape == null || order.length !== input.shape.length) return unknown;
  return { shape: order.map((axis) => input.shape?.[axis] ?? 0), reach: globally };
};

const reshape: Rule = (_node, [input, target]) => {
  const wanted = wholeNumbers(target?.proto);
  if (input?.shape == null || wanted === null) return unknown;
  const source = input.shape;
  const [first, ...rest] = wanted.map((extent, axis) =>
    extent === 0 ? (source[axis] ?? 1) : extent,
  );
  const known = rest
    .filter((extent) => extent > 0)
    .reduce((product, extent) => product * extent, 1);
  const total = sizeOf(source);
  if (first !== 1 && first !== -1) return unknown;
  const shape = [1, ...rest.map((extent) => (extent === -1 ? total / known : extent))];
  return sizeOf(shape) === total ? { shape, reach: globally } : unknown;
};

const gemm: Rule = (node, [input, weight]) => {
  if (!weight?.constant || input?.shape?.length !== 2) return unknown;
  const [rows, columns] = weight.shape ?? [];
  const transposed = attributeOf(node, 'transB')?.i === 1;
  const outputs = transposed ? rows : columns;
  if (outputs === undefined || attributeOf(node, 'transA')?.i === 1) return unknown;
  return { shape: [1, outputs], reach: globally, macsPerOutput: input.shape[1] ?? 0 };
};

const sizeOf = (shape: Shape): number => shape.reduce((product, extent) => product * extent, 1);

const unaryOps =
  'Relu LeakyRelu Sigmoid Tanh Clip Elu Selu Celu HardSigmoid HardSwish Softplus Softsign Erf Abs ' +
  'Neg Sqrt Exp Log Floor Ceil Round Sign Reciprocal Identity Dropout Gelu Mish ThresholdedRelu ' +
  'BatchNormalization LRN';
const binaryOps = 'Add Sub Mul Div Pow Max Min Sum Mean PRelu';

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...unaryOps.split(' ').map((op): [string, Rule] => [op, each]),
  ...binaryOps.split(' ').map((op): [string, Rule] => [op, combine]),
  ['Conv', conv],
  ['MaxPool', maxPool],
  ['AveragePool', averagePool],
  ['Pad', pad],
  ['Concat', concat],
  ['Softmax', softmax],
  ['LogSoftmax', softmax],
  ['GlobalAveragePool', globalPool],
  ['GlobalMaxPool', globalPool],
  ['ReduceMean', reduce],
  ['Flatten', flatten],
  ['Reshape', reshape],
  ['Transpose', transpose],
  ['Gemm', gemm],
  ['MatMul', gemm],
]);
