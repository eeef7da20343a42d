import { at } from '@umbra/shared/assert';
import { isMap, type MapShape, type Reach, type TensorShape } from './graph.js';
import { attributeOf, integerAttribute, integersIn } from './onnx-model.js';
import type { NodeProto, TensorProto } from './onnx-proto.js';
import { integersAttribute, textAttribute, windowsOf } from './onnx-windows.js';
import { type AxisWindow, endsInPadding, outputExtent } from './window.js';

/** A node's input: a computed tensor, or a constant. `shape` is null where it is not known. */
export type Operand = {
  readonly shape: TensorShape | null;
  readonly constant: boolean;
  /** The numbers of a small constant. */
  readonly proto?: TensorProto | undefined;
};

/** Facts of a node's first output. */
export type NodeFacts = {
  readonly shape: TensorShape | null;
  readonly reach: Reach;
  readonly macsPerOutput?: number;
  readonly groups?: number;
};

/** Describes one operation of ONNX. @param opset Version of ONNX's operator set. */
type DescribeOperation = (
  node: NodeProto,
  operands: readonly Operand[],
  opset: number,
) => NodeFacts;

const unknown: NodeFacts = { shape: null, reach: { kind: 'unknown' } };
const pointwise: Reach = { kind: 'pointwise' };
const globally: Reach = { kind: 'global' };

/** Infer a node's output shape and reach; both are unknown for operations not listed here. */
export function describeNode(
  node: NodeProto,
  operands: readonly Operand[],
  opset: number,
): NodeFacts {
  const describe = isStandard(node) ? operations.get(node.opType) : undefined;
  return describe?.(node, operands, opset) ?? unknown;
}

/** Whether the operator is of ONNX's own set, whose domain is empty or left out. */
const isStandard = ({ domain = '' }: NodeProto): boolean => domain === '';

const conv: DescribeOperation = (node, [input, weight]) => {
  if (!isMap(input?.shape) || !weight?.constant || weight.shape === null) return unknown;
  const [channels, perGroup, ...kernel] = weight.shape;
  if (!channels || !perGroup) return unknown;
  return {
    ...slide(node, input.shape, { kernel, channels, padValue: 0 }),
    macsPerOutput: kernel.reduce((product, extent) => product * extent, perGroup),
    groups: integerAttribute(node, 'group', 1),
  };
};

const maxPool: DescribeOperation = (node, [input]) => {
  if (!isMap(input?.shape) || node.output.length > 1) return unknown;
  const kernel = integersAttribute(node, 'kernel_shape');
  const [, channels] = input.shape;
  const facts = slide(node, input.shape, { kernel, channels, padValue: Number.NEGATIVE_INFINITY });
  // The last window may reach further beyond the map than runtimes take as padding.
  const dilated = Math.max(1, ...integersAttribute(node, 'dilations')) > 1;
  const ceil = attributeOf(node, 'ceil_mode')?.i === 1;
  return dilated && ceil ? { ...facts, reach: { kind: 'unknown' } } : facts;
};

const averagePool: DescribeOperation = (node, [input]) => {
  if (!isMap(input?.shape)) return unknown;
  const countsPadding = attributeOf(node, 'count_include_pad')?.i === 1;
  const kernel = integersAttribute(node, 'kernel_shape');
  const [, channels] = input.shape;
  const facts = slide(node, input.shape, { kernel, channels, padValue: countsPadding ? 0 : null });
  // Runtimes do not agree on the divisor of a window that reaches beyond the padding.
  const ceil = facts.reach.kind === 'window' && facts.reach.y.ceil;
  return ceil && countsPadding ? { ...facts, reach: { kind: 'unknown' } } : facts;
};

/** What slides over a map: its kernel [height, width], and the channels that it gives. */
type Sliding = {
  readonly kernel: readonly number[];
  readonly channels: number;
  /** What the padding holds: see `Reach`. */
  readonly padValue: number | null;
};

function slide(node: NodeProto, input: MapShape, sliding: Sliding): NodeFacts {
  const { kernel, channels, padValue } = sliding;
  const [, , height, width] = input;
  const windows = windowsOf(node, kernel, height, width);
  if (windows === null) return unknown;
  if (endsInPadding(windows.y, height) || endsInPadding(windows.x, width)) return unknown;
  const shape = [1, channels, outputExtent(windows.y, height), outputExtent(windows.x, width)];
  return { shape, reach: { kind: 'window', ...windows, padValue } };
}

/** `Pad` on the spatial axes: a window of one input that may lie outside. */
const pad: DescribeOperation = (node, [input, amounts, value]) => {
  const listed = integersAttribute(node, 'pads');
  const pads = listed.length > 0 ? listed : integersIn(amounts?.proto);
  const mode = textAttribute(node, 'mode') || 'constant';
  if (!isMap(input?.shape) || pads?.length !== 8 || mode !== 'constant') return unknown;
  const [n, c, top = 0, left = 0, n2, c2, bottom = 0, right = 0] = pads;
  const spatial = [n, c, n2, c2].every((amount) => amount === 0);
  const fill = padFill(node, value);
  if (!spatial || fill === null || Math.min(top, left, bottom, right) < 0) return unknown;
  const axis = (padBegin: number, padEnd: number): AxisWindow => {
    return { kernel: 1, stride: 1, dilation: 1, padBegin, padEnd, ceil: false };
  };
  const [, channels, height, width] = input.shape;
  return {
    shape: [1, channels, height + top + bottom, width + left + right],
    reach: { kind: 'window', y: axis(top, bottom), x: axis(left, right), padValue: fill },
  };
};

function padFill(node: NodeProto, value: Operand | undefined): number | null {
  if (value === undefined) {
    const { f: number = 0 } = attributeOf(node, 'value') ?? {};
    return number;
  }
  const { rawData, floatData } = value.proto ?? {};
  if (floatData?.length === 1) return floatData[0] ?? null;
  return rawData?.length === 4 ? Buffer.from(rawData).readFloatLE(0) : null;
}

/** An operation on one computed map; its other inputs are constants, one number each or one a channel. */
const each: DescribeOperation = (_node, [input, ...others]) =>
  input?.shape !== undefined && others.every(({ constant }) => constant)
    ? { shape: input.shape, reach: input.shape === null ? { kind: 'unknown' } : pointwise }
    : unknown;

/** An elementwise operation with broadcasting. */
const combine: DescribeOperation = (_node, operands) => {
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
const isFlat = (shape: TensorShape | null): boolean =>
  shape?.slice(-2).every((extent) => extent === 1 || shape.length < 2) ?? false;

function broadcast(shapes: readonly (TensorShape | null)[]): TensorShape | null {
  const known = shapes.filter((shape) => shape !== null);
  if (known.length < shapes.length) return null;
  const rank = Math.max(...known.map((shape) => shape.length));
  // A shape of fewer axes is as if it began with extents of 1.
  const padded = known.map((shape) => [...Array<number>(rank - shape.length).fill(1), ...shape]);
  return Array.from({ length: rank }, (_, axis) =>
    Math.max(...padded.map((shape) => at(shape, axis))),
  );
}

const concat: DescribeOperation = (node, operands) => {
  const [first] = operands;
  const axis = integerAttribute(node, 'axis', 0);
  if (!isMap(first?.shape) || (axis !== 1 && axis !== -3)) return unknown;
  const [, , height, width] = first.shape;
  let channels = 0;
  for (const { shape, constant } of operands) {
    if (constant || !isMap(shape) || shape[2] !== height || shape[3] !== width) return unknown;
    channels += shape[1];
  }
  return { shape: [1, channels, height, width], reach: pointwise };
};

/** `Softmax`: along one axis only from opset 13 on, and over all that follow it before. */
const softmax: DescribeOperation = (node, [input], opset) => {
  const axis = integerAttribute(node, 'axis', -1);
  const shape = input?.shape ?? null;
  const overChannels = opset >= 13 && isMap(shape) && (axis === 1 || axis === -3);
  return { shape, reach: overChannels ? pointwise : globally };
};

const globalPool: DescribeOperation = (_node, [input]) =>
  isMap(input?.shape) ? { shape: [1, input.shape[1], 1, 1], reach: globally } : unknown;

const reduce: DescribeOperation = (node, [input, axesInput]) => {
  const listed = integersAttribute(node, 'axes');
  const axes = listed.length > 0 ? listed : integersIn(axesInput?.proto);
  const shape = input?.shape ?? null;
  if (shape === null || axes === null || axes.length === 0) return unknown;
  const reduced = new Set(axes.map((axis) => (axis + shape.length) % shape.length));
  const keep = integerAttribute(node, 'keepdims', 1) === 1;
  const extents = shape.map((extent, axis) => (reduced.has(axis) ? 1 : extent));
  const kept = keep ? extents : extents.filter((_, axis) => !reduced.has(axis));
  return { shape: kept, reach: globally };
};

const flatten: DescribeOperation = (node, [input]) => {
  const axis = integerAttribute(node, 'axis', 1);
  if (input?.shape == null || axis !== 1) return unknown;
  return { shape: [1, sizeOf(input.shape)], reach: globally };
};

const transpose: DescribeOperation = (node, [input]) => {
  const order = integersAttribute(node, 'perm');
  const source = input?.shape;
  if (source == null || order.length !== source.length) return unknown;
  return { shape: order.map((axis) => at(source, axis)), reach: globally };
};

const reshape: DescribeOperation = (_node, [input, target]) => {
  const wanted = integersIn(target?.proto);
  if (input?.shape == null || wanted === null) return unknown;
  const source = input.shape;
  const [first, ...rest] = wanted.map((extent, axis) => (extent === 0 ? source[axis] : extent));
  // An extent of 0 keeps the source's, which must then have that axis.
  if (first === undefined || !rest.every((extent) => extent !== undefined)) return unknown;
  const known = rest
    .filter((extent) => extent > 0)
    .reduce((product, extent) => product * extent, 1);
  const total = sizeOf(source);
  if (first !== 1 && first !== -1) return unknown;
  const shape = [1, ...rest.map((extent) => (extent === -1 ? total / known : extent))];
  return sizeOf(shape) === total ? { shape, reach: globally } : unknown;
};

const gemm: DescribeOperation = (node, [input, weight]) => {
  if (!weight?.constant || weight.shape === null || input?.shape?.length !== 2) return unknown;
  const [, inputs] = input.shape;
  const [rows, columns] = weight.shape;
  const transposed = attributeOf(node, 'transB')?.i === 1;
  const outputs = transposed ? rows : columns;
  if (inputs === undefined || outputs === undefined) return unknown;
  if (attributeOf(node, 'transA')?.i === 1) return unknown;
  return { shape: [1, outputs], reach: globally, macsPerOutput: inputs };
};

const sizeOf = (shape: TensorShape): number =>
  shape.reduce((product, extent) => product * extent, 1);

const unaryOps =
  'Relu LeakyRelu Sigmoid Tanh Clip Elu Selu Celu HardSigmoid HardSwish Softplus Softsign Erf Abs ' +
  'Neg Sqrt Exp Log Floor Ceil Round Sign Reciprocal Identity Dropout Gelu Mish ThresholdedRelu ' +
  'BatchNormalization LRN';
const binaryOps = 'Add Sub Mul Div Pow Max Min Sum Mean PRelu';

const operations: ReadonlyMap<string, DescribeOperation> = new Map<string, DescribeOperation>([
  ...unaryOps.split(' ').map((op): [string, DescribeOperation] => [op, each]),
  ...binaryOps.split(' ').map((op): [string, DescribeOperation] => [op, combine]),
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
