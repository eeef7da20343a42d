import {
  type AttributeProto,
  attributeType,
  type NodeProto,
  onnxType,
  type TensorProto,
} from '../graph/onnx-proto.js';
import type { TfjsModel, TfjsWeight } from './model-file.js';

/** A weight in ONNX's order of axes, still in TensorFlow's files. */
export type BuilderWeight = {
  readonly name: string;
  readonly source: TfjsWeight;
  /** For each axis of the result, the source's; the source's own order when left out. */
  readonly axes?: readonly number[];
  /** Extents to read the result as: as many numbers. */
  readonly shape?: readonly number[];
};

/** Why a network cannot be written as ONNX; it then runs as it is, and whole. */
export class NotTranslated extends Error {}

/** A network on its way to ONNX. Its maps are [N, channels, height, width] there. */
export type GraphBuilder = {
  readonly model: TfjsModel;
  readonly nodes: NodeProto[];
  readonly constants: TensorProto[];
  readonly weights: BuilderWeight[];
  /** Small constants of whole numbers, such as amounts of padding. */
  readonly wholes: ReadonlyMap<string, readonly number[]>;
  /** Axes of each computed tensor. */
  readonly ranks: Map<string, number>;
};

export const createGraphBuilder = (
  model: TfjsModel,
  wholes: GraphBuilder['wholes'] = new Map(),
): GraphBuilder => ({
  model,
  wholes,
  nodes: [],
  constants: [],
  weights: [],
  ranks: new Map(),
});

type Attributes = Readonly<Record<string, number | readonly number[] | string>>;

/** Add a node. @returns The name of its output. */
export function addNode(
  builder: GraphBuilder,
  name: string,
  opType: string,
  inputs: readonly string[],
  { rank, ...attributes }: { readonly rank?: number } & Attributes = {},
): string {
  const output = `${name}:out`;
  builder.nodes.push({
    ...{ name, opType, input: [...inputs], output: [output] },
    attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
  });
  builder.ranks.set(output, rank ?? builder.ranks.get(inputs[0] ?? '') ?? 0);
  return output;
}

const floats = new Set(['alpha', 'beta', 'epsilon', 'gamma', 'bias']);

function attribute(name: string, value: number | readonly number[] | string): AttributeProto {
  if (typeof value === 'string') return { name, s: Buffer.from(value), type: 3 };
  if (typeof value !== 'number') return { name, ints: [...value], type: attributeType.ints };
  if (floats.has(name)) return { name, f: value, type: attributeType.float };
  return { name, i: value, type: attributeType.int };
}

/** Add a weight of the model's files. @throws {NotTranslated} if it is not there. */
export function addWeight(
  builder: GraphBuilder,
  name: string,
  change: Omit<BuilderWeight, 'name' | 'source'> = {},
): string {
  const source = builder.model.weights.get(name);
  if (source === undefined) throw new NotTranslated(`its weight '${name}' is not in the files`);
  const key = `${name}${change.axes ? `:${change.axes.join('')}` : ''}${change.shape ? `:${change.shape.join('x')}` : ''}`;
  if (!builder.weights.some((weight) => weight.name === key)) {
    builder.weights.push({ name: key, source, ...change });
  }
  return key;
}

export function addWhole(builder: GraphBuilder, name: string, values: readonly number[]): string {
  builder.constants.push({
    name,
    dims: [values.length],
    dataType: onnxType.int64,
    int64Data: [...values],
  });
  return name;
}

export function addNumbers(
  builder: GraphBuilder,
  name: string,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): string {
  builder.constants.push({
    name,
    dims: [...dims],
    dataType: onnxType.float,
    floatData: [...values],
  });
  return name;
}

/** Maps with channels last, as TensorFlow would go on with: for what reads them in order. */
export const channelsLast = (builder: GraphBuilder, name: string, tensor: string): string =>
  builder.ranks.get(tensor) === 4
    ? addNode(builder, `${name}:channels-last`, 'Transpose', [tensor], { perm: [0, 2, 3, 1] })
    : tensor;

/** Give numbers in TensorFlow's order another shape, [N, ...shape]. */
export function addReshape(
  builder: GraphBuilder,
  name: string,
  tensor: string,
  shape: readonly number[],
): string {
  const source = channelsLast(builder, name, tensor);
  const target = addWhole(builder, `${name}:shape`, [0, ...shape]);
  const rank = shape.length + 1;
  if (rank !== 4) return addNode(builder, name, 'Reshape', [source, target], { rank });
  const last = addNode(builder, `${name}:reshape`, 'Reshape', [source, target], { rank });
  return addNode(builder, name, 'Transpose', [last], { perm: [0, 3, 1, 2] });
}

/** An activation by Keras' name. @throws {NotTranslated} */
export function addActivation(
  builder: GraphBuilder,
  name: string,
  kind: string,
  tensor: string,
): string {
  const simple: Readonly<Record<string, string>> = {
    ...{ relu: 'Relu', sigmoid: 'Sigmoid', tanh: 'Tanh', elu: 'Elu', selu: 'Selu' },
    ...{ softplus: 'Softplus', softsign: 'Softsign', mish: 'Mish' },
  };
  const op = simple[kind];
  if (op !== undefined) return addNode(builder, name, op, [tensor]);
  switch (kind) {
    case 'linear':
      return tensor;
    case 'relu6':
      return addClip(builder, name, tensor, 0, 6);
    case 'softmax':
      return addNode(builder, name, 'Softmax', [tensor], { axis: 1 });
    case 'swish':
    case 'silu':
      return addNode(builder, name, 'Mul', [
        tensor,
        addNode(builder, `${name}:sigmoid`, 'Sigmoid', [tensor]),
      ]);
    case 'hard_sigmoid':
    case 'hardSigmoid':
      return addNode(builder, name, 'HardSigmoid', [tensor], { alpha: 0.2, beta: 0.5 });
    default:
      throw new NotTranslated(`its activation '${kind}' is not known`);
  }
}

export const addClip = (
  builder: GraphBuilder,
  name: string,
  tensor: string,
  low: number,
  high: number,
): string =>
  addNode(builder, name, 'Clip', [
    tensor,
    addNumbers(builder, `${name}:low`, [low], []),
    addNumbers(builder, `${name}:high`, [high], []),
  ]);

type Pair = readonly number[];

/** A window's attributes, [vertical, horizontal] each, with TensorFlow's padding by name. */
export function windowAttributes(
  isSame: boolean,
  kernel: Pair,
  strides: Pair,
  dilations: Pair = [1, 1],
) {
  const plain = { kernel_shape: kernel, strides };
  const dilates = dilations.some((dilation) => dilation !== 1);
  // Average pooling takes no dilations, not even of 1.
  if (!dilates) return { ...plain, auto_pad: isSame ? 'SAME_UPPER' : 'VALID' };
  const window = { ...plain, dilations };
  if (!isSame) return { ...window, auto_pad: 'VALID' };
  // onnxruntime takes SAME without dilation alone; its amounts are the same for any extent at stride 1.
  if (strides.some((stride) => stride !== 1)) {
    throw new NotTranslated('a window has stride, dilation and padding SAME together');
  }
  const total = kernel.map((extent, axis) => (extent - 1) * (dilations[axis] ?? 1));
  const before = total.map((amount) => Math.floor(amount / 2));
  const after = total.map((amount, axis) => amount - (before[axis] ?? 0));
  return { ...window, pads: [...before, ...after] };
}
