import type { Size } from '@umbra/shared/occlusion/grid';
import { type AxisWindow, endsInPadding, outputExtent } from '../graph/window.js';
import type { Network, Node, Weight } from './tiny-onnx.js';

/** Numbers in [0, 1), the same for the same seed. */
export type Random = () => number;

/** @see Marsaglia's xorshift. */
export function seededRandom(seed: number): Random {
  let state = seed * 2654435761 + 1 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

type FeatureMap = Size & { readonly name: string; readonly channels: number };

/** A network that grows, node by node. */
type RandomBuilder = {
  readonly random: Random;
  readonly nodes: Node[];
  readonly weights: Weight[];
  map: FeatureMap;
};

const between = (random: Random, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1));
const oneOf = <T>(random: Random, values: readonly T[]): T =>
  values[Math.floor(random() * values.length)] as T;

/**
 * A small classifier of random shape: strided, dilated, grouped and depthwise convolutions with
 * padding of any form, pooling of both kinds, batch norm, activations, residual additions,
 * concatenations, shuffled and divided channels, products with channels last, merged patches; at its end global pooling or flattening, and a dense layer.
 */
export function randomNetwork(random: Random, input: Size, classes: number): Network {
  const builder: RandomBuilder = {
    random,
    nodes: [],
    weights: [],
    map: { name: 'input', channels: 3, ...input },
  };
  convolve(builder, oneOf(random, [4, 16]));
  const steps = between(random, 2, 6);
  for (let step = 0; step < steps; step++) oneOf(random, blocks)(builder);
  const features = finish(builder);
  const { nodes, weights } = builder;
  add(builder, 'Gemm', [
    features.name,
    weigh(builder, [features.length, classes], 1 / Math.sqrt(features.length)),
    weigh(builder, [classes], 1),
  ]);
  return {
    nodes: nodes.map((node, at) =>
      at === nodes.length - 1 ? { ...node, output: 'logits' } : node,
    ),
    weights,
    input: { name: 'input', shape: ['N', 3, input.height, input.width] },
    output: { name: 'logits', shape: ['N', classes] },
  };
}

function add(
  builder: RandomBuilder,
  op: string,
  inputs: string[],
  attributes: Node['attributes'] = [],
): string {
  const output = `t${builder.nodes.length}`;
  builder.nodes.push({ op, inputs, output, attributes });
  return output;
}

function weigh(
  { weights, random }: RandomBuilder,
  shape: readonly number[],
  scale: number,
  offset = 0,
): string {
  const name = `w${weights.length}`;
  const length = shape.reduce((product, extent) => product * extent, 1);
  const values = Array.from({ length }, () => (random() * 2 - 1) * scale * 1.7 + offset);
  weights.push({ name, shape, values });
  return name;
}

function whole({ weights }: RandomBuilder, values: readonly number[]): string {
  const name = `w${weights.length}`;
  weights.push({ name, shape: [values.length], values, whole: true });
  return name;
}

type Window = { readonly y: AxisWindow; readonly x: AxisWindow };

/** Windows that leave at least one output, with the attributes that say so. */
function drawWindows(
  builder: RandomBuilder,
  kernels: readonly number[],
  pads: number,
  ceil: boolean,
): { readonly windows: Window; readonly attributes: NonNullable<Node['attributes']> } {
  const { random, map } = builder;
  const axis = (extent: number): AxisWindow => {
    const kernel = Math.min(oneOf(random, kernels), extent);
    const dilation = kernel > 1 && 2 * (kernel - 1) < extent && random() < 0.2 ? 2 : 1;
    const maxPad = Math.min(pads, kernel - 1);
    return {
      kernel,
      dilation,
      stride: between(random, 1, extent > 12 ? 3 : 2),
      padBegin: between(random, 0, maxPad),
      padEnd: between(random, 0, maxPad),
      ceil,
    };
  };
  const drawn = { y: axis(map.height), x: axis(map.width) };
  if (endsInPadding(drawn.y, map.height) || endsInPadding(drawn.x, map.width)) {
    return drawWindows(builder, kernels, pads, false);
  }
  const { y, x } = drawn;
  return {
    windows: drawn,
    attributes: [
      { name: 'kernel_shape', ints: [y.kernel, x.kernel] },
      { name: 'strides', ints: [y.stride, x.stride] },
      { name: 'dilations', ints: [y.dilation, x.dilation] },
      { name: 'pads', ints: [y.padBegin, x.padBegin, y.padEnd, x.padEnd] },
      ...(ceil ? [{ name: 'ceil_mode', int: 1 }] : []),
    ],
  };
}

const extentAfter = ({ y, x }: Window, { height, width }: Size): Size => ({
  height: outputExtent(y, height),
  width: outputExtent(x, width),
});

function convolve(builder: RandomBuilder, channels: number): void {
  const { random, map } = builder;
  const groups = oneOf(random, [1, 1, 1, map.channels, 2]);
  const grouped = map.channels % groups === 0 && channels % groups === 0 ? groups : 1;
  const { windows, attributes } = drawWindows(builder, [1, 2, 3, 3, 5], 2, false);
  emitConv(builder, { channels, groups: grouped }, windows, attributes);
  activate(builder);
}

function emitConv(
  builder: RandomBuilder,
  { channels, groups }: { readonly channels: number; readonly groups: number },
  windows: Window,
  attributes: NonNullable<Node['attributes']>,
): void {
  const { map } = builder;
  const inputs = map.channels / groups;
  const area = windows.y.kernel * windows.x.kernel;
  const scale = 1 / Math.sqrt(inputs * area);
  const weight = weigh(builder, [channels, inputs, windows.y.kernel, windows.x.kernel], scale);
  const name = add(
    builder,
    'Conv',
    [map.name, weight, weigh(builder, [channels], 0.1)],
    [...attributes, { name: 'group', int: groups }],
  );
  builder.map = { name, channels, ...extentAfter(windows, map) };
}

/** A convolution that keeps the extent: 3x3 with a pad of one, as Winograd's method takes, or `SAME`. */
function keepExtent(builder: RandomBuilder, channels: number): void {
  const kernel = oneOf(builder.random, [1, 3, 3]);
  const side = Math.floor(kernel / 2);
  const axis = { kernel, dilation: 1, stride: 1, padBegin: side, padEnd: side, ceil: false };
  const padding =
    builder.random() < 0.3
      ? { name: 'auto_pad', text: oneOf(builder.random, ['SAME_UPPER', 'SAME_LOWER']) }
      : { name: 'pads', ints: [side, side, side, side] };
  const attributes = [{ name: 'kernel_shape', ints: [kernel, kernel] }, padding];
  emitConv(builder, { channels, groups: 1 }, { y: axis, x: axis }, attributes);
}

function activate(builder: RandomBuilder): void {
  const { map, random } = builder;
  const rename = (name: string): void => {
    builder.map = { ...map, name };
  };
  const kind = oneOf(random, ['Relu', 'LeakyRelu', 'Clip', 'swish', 'norm', 'none']);
  if (kind === 'none') return;
  if (kind === 'swish') {
    rename(add(builder, 'Mul', [map.name, add(builder, 'Sigmoid', [map.name])]));
    return;
  }
  if (kind === 'Clip') {
    rename(add(builder, 'Clip', [map.name, weigh(builder, [], 0, -0.5), weigh(builder, [], 0, 1)]));
    return;
  }
  if (kind === 'norm') {
    const of = (scale: number, offset: number) => weigh(builder, [map.channels], scale, offset);
    rename(
      add(builder, 'BatchNormalization', [
        map.name,
        of(0.3, 1),
        of(0.2, 0),
        of(0.2, 0),
        of(0.2, 1),
      ]),
    );
    return;
  }
  rename(add(builder, kind, [map.name]));
}

function pool(builder: RandomBuilder): void {
  const { random, map } = builder;
  const op = oneOf(random, ['MaxPool', 'AveragePool']);
  const { windows, attributes } = drawWindows(builder, [2, 3], 1, random() < 0.4);
  const flat = attributes.filter(({ name }) => op === 'MaxPool' || name !== 'dilations');
  const undilated = (axis: AxisWindow): AxisWindow => ({ ...axis, dilation: 1 });
  const used = op === 'MaxPool' ? windows : { y: undilated(windows.y), x: undilated(windows.x) };
  const counts =
    op === 'AveragePool' && random() < 0.5 ? [{ name: 'count_include_pad', int: 1 }] : [];
  const name = add(builder, op, [map.name], [...flat, ...counts]);
  builder.map = { ...map, name, ...extentAfter(used, map) };
}

function pad(builder: RandomBuilder): void {
  const { map, random } = builder;
  const [top, left, bottom, right] = [0, 0, 0, 0].map(() => between(random, 0, 2)) as [
    number,
    number,
    number,
    number,
  ];
  const amounts = whole(builder, [0, 0, top, left, 0, 0, bottom, right]);
  const name = add(builder, 'Pad', [map.name, amounts]);
  builder.map = {
    ...map,
    name,
    height: map.height + top + bottom,
    width: map.width + left + right,
  };
  // Not before a pooling: onnxruntime 1.30 merges the two and then refuses the wide padding.
  keepExtent(builder, map.channels);
}

function residual(builder: RandomBuilder): void {
  const skip = builder.map;
  keepExtent(builder, skip.channels);
  activate(builder);
  keepExtent(builder, skip.channels);
  const name = add(builder, 'Add', [builder.map.name, skip.name]);
  builder.map = { ...skip, name: builder.random() < 0.7 ? add(builder, 'Relu', [name]) : name };
}

function concatenate(builder: RandomBuilder): void {
  const start = builder.map;
  keepExtent(builder, oneOf(builder.random, [4, 16]));
  activate(builder);
  const left = builder.map;
  builder.map = start;
  if (builder.random() < 0.7) keepExtent(builder, 8);
  const right = builder.map;
  const name = add(builder, 'Concat', [left.name, right.name], [{ name: 'axis', int: 1 }]);
  builder.map = { ...start, name, channels: left.channels + right.channels };
}

/** Channels in two groups, taken in turns, as in ShuffleNet. */
function shuffle(builder: RandomBuilder): void {
  const { map } = builder;
  const { channels, height, width } = map;
  if (channels % 2 !== 0) return;
  const half = channels / 2;
  const split = add(builder, 'Reshape', [map.name, whole(builder, [-1, 2, half, height, width])]);
  const turned = add(builder, 'Transpose', [split], [{ name: 'perm', ints: [0, 2, 1, 3, 4] }]);
  const target = whole(builder, [-1, channels, height, width]);
  builder.map = { ...map, name: add(builder, 'Reshape', [turned, target]) };
}

/** Half of the channels convolved, the others kept. */
function halve(builder: RandomBuilder): void {
  const start = builder.map;
  if (start.channels % 2 !== 0) return;
  const half = start.channels / 2;
  const left = add(
    builder,
    'Split',
    [start.name, whole(builder, [half, half])],
    [{ name: 'axis', int: 1 }],
  );
  const right = `${left}:right`;
  const last = builder.nodes.length - 1;
  builder.nodes[last] = { ...(builder.nodes[last] as Node), otherOutputs: [right] };
  builder.map = { ...start, name: right, channels: half };
  keepExtent(builder, half);
  activate(builder);
  const name = add(builder, 'Concat', [left, builder.map.name], [{ name: 'axis', int: 1 }]);
  builder.map = { ...start, name };
  shuffle(builder);
}

/** Channels brought last, normalized and multiplied by a matrix, as in ConvNeXt. */
function mixLast(builder: RandomBuilder): void {
  const { map, random } = builder;
  const { channels } = map;
  const wide = oneOf(random, [4, 12]);
  const last = add(builder, 'Transpose', [map.name], [{ name: 'perm', ints: [0, 2, 3, 1] }]);
  const normal = add(
    builder,
    'LayerNormalization',
    [last, weigh(builder, [channels], 0.3, 1), weigh(builder, [channels], 0.2)],
    [{ name: 'axis', int: -1 }],
  );
  const inner = add(builder, 'MatMul', [normal, weigh(builder, [channels, wide], 0.4)]);
  const active = add(builder, 'Sigmoid', [add(builder, 'Add', [inner, weigh(builder, [wide], 1)])]);
  const outer = add(builder, 'MatMul', [active, weigh(builder, [wide, channels], 0.4)]);
  const first = add(builder, 'Transpose', [outer], [{ name: 'perm', ints: [0, 3, 1, 2] }]);
  builder.map = { ...map, name: add(builder, 'Add', [first, map.name]) };
}

/** Every second row and column, four times, side by side, as in the merging of Swin's patches. */
function merge(builder: RandomBuilder): void {
  const { map } = builder;
  if (map.height % 2 !== 0 || map.width % 2 !== 0 || map.channels > 16) return;
  const axes = whole(builder, [2, 3]);
  const steps = whole(builder, [2, 2]);
  const ends = whole(builder, [1000, 1000]);
  const parts = [0, 1, 2, 3].map((at) =>
    add(builder, 'Slice', [
      map.name,
      whole(builder, [at % 2, Math.floor(at / 2)]),
      ends,
      axes,
      steps,
    ]),
  );
  const name = add(builder, 'Concat', parts, [{ name: 'axis', int: 1 }]);
  const extent = { height: map.height / 2, width: map.width / 2 };
  builder.map = { name, channels: map.channels * 4, ...extent };
}

const blocks: readonly ((builder: RandomBuilder) => void)[] = [
  (builder) => convolve(builder, oneOf(builder.random, [4, 6, 16])),
  (builder) => convolve(builder, builder.map.channels),
  pool,
  pad,
  residual,
  residual,
  residual,
  residual,
  concatenate,
  shuffle,
  halve,
  mixLast,
  merge,
];

function finish(builder: RandomBuilder): { readonly name: string; readonly length: number } {
  const { map, random } = builder;
  if (random() < 0.5) {
    const pooled = add(builder, 'GlobalAveragePool', [map.name]);
    return { name: add(builder, 'Flatten', [pooled]), length: map.channels };
  }
  const length = map.channels * map.height * map.width;
  return { name: add(builder, 'Flatten', [map.name]), length };
}
