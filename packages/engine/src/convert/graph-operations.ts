import { type GraphBuilder, NotTranslated } from './graph-builder.js';
import {
  addActivation,
  addChannelWeight,
  addDepthwiseKernel,
  addReshape,
  kernelShape,
  type Pair,
  windowAttributes,
} from './shared-operations.js';

/** A node of TensorFlow's GraphDef as JSON has it: numbers may be text, and text is base64. */
export type NodeJson = {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, AttributeJson>>;
};
type AttributeJson = {
  readonly s?: string;
  readonly f?: number;
  readonly b?: boolean;
  readonly list?: { readonly i?: readonly (number | string)[]; readonly s?: readonly string[] };
};

/** A node's input: a computed tensor, or one of the model's weights by name. */
export type NodeInput = { readonly tensor: string } | { readonly weight: string };

/** Translates one kind of operation. @returns The name of its output. */
export type AddOperation = (
  builder: GraphBuilder,
  node: NodeJson,
  inputs: readonly NodeInput[],
) => string;

const decode = (text: string): string => Buffer.from(text, 'base64').toString();

/** A list attribute; empty where JSON leaves it out. */
function integersOf({ attr }: NodeJson, name: string): number[] {
  const { i: values = [] } = attr?.[name]?.list ?? {};
  return values.map(Number);
}

/** A text attribute; empty where JSON leaves it out. */
function textOf({ attr }: NodeJson, name: string): string {
  const { s: text = '' } = attr?.[name] ?? {};
  return decode(text);
}

/** A number attribute, or the operation's default where JSON leaves it out. */
const numberOf = ({ attr }: NodeJson, name: string, byDefault: number): number =>
  attr?.[name]?.f ?? byDefault;

/** Operations that the runtime's own optimiser moved into a node. */
function fusedOps({ attr }: NodeJson): string[] {
  const { s: names = [] } = attr?.fused_ops?.list ?? {};
  return names.map(decode);
}

function tensorOf(input: NodeInput | undefined): string {
  if (input !== undefined && 'tensor' in input) return input.tensor;
  throw new NotTranslated('a weight stands where a map is read');
}

function weightOf(input: NodeInput | undefined, node: NodeJson): string {
  if (input !== undefined && 'weight' in input) return input.weight;
  throw new NotTranslated(`'${node.name}' (${node.op}) computes its weights`);
}

/** Shape a weight to meet a tensor of some rank. */
const channelWeight = (builder: GraphBuilder, weight: string, rank: number): string =>
  addChannelWeight(builder, weight, rank, `'${weight}' holds a number`);

function windowOf(node: NodeJson, kernel: Pair) {
  if (textOf(node, 'data_format') === 'NCHW') {
    throw new NotTranslated('it takes channels first');
  }
  const padding = textOf(node, 'padding');
  const [, strideY = 1, strideX = 1] = integersOf(node, 'strides');
  const [, dilationY = 1, dilationX = 1] = integersOf(node, 'dilations');
  const window = windowAttributes({
    isSame: padding === 'SAME',
    kernel,
    strides: [strideY, strideX],
    dilations: [dilationY, dilationX],
  });
  if (padding !== 'EXPLICIT') return window;
  const [, , top = 0, bottom = 0, left = 0, right = 0] = integersOf(node, 'explicit_paddings');
  return { ...window, auto_pad: 'NOTSET', pads: [top, left, bottom, right] };
}

function addBias(builder: GraphBuilder, node: NodeJson, bias: NodeInput | undefined): string[] {
  return fusedOps(node).includes('BiasAdd') ? [builder.addWeight(weightOf(bias, node))] : [];
}

const convolve =
  (perChannel: boolean): AddOperation =>
  (builder, node, [input, filter, bias, slopes]) => {
    const weight = weightOf(filter, node);
    const [height, width, channels] = kernelShape(builder, weight);
    const kernel = perChannel
      ? addDepthwiseKernel(builder, weight)
      : builder.addWeight(weight, { axes: [3, 2, 0, 1] });
    const inputs = [tensorOf(input), kernel, ...addBias(builder, node, bias)];
    const attributes = {
      ...windowOf(node, [height, width]),
      group: perChannel ? channels : 1,
    };
    const tensor = builder.addNode({ name: node.name, op: 'Conv', inputs }, attributes);
    return addFusedActivation(builder, node, tensor, slopes);
  };

/** Add the activation that the runtime's own optimiser moved into a node. */
function addFusedActivation(
  builder: GraphBuilder,
  node: NodeJson,
  tensor: string,
  slopes?: NodeInput,
): string {
  const fused = fusedOps(node);
  const [activation, ...others] = fused.filter((op) => op !== 'BiasAdd');
  if (activation === undefined) return tensor;
  if (others.length > 0) throw new NotTranslated(`'${node.name}' fuses ${fused.join(', ')}`);
  const name = `${node.name}/${activation}`;
  if (activation === 'LeakyRelu') {
    const alpha = numberOf(node, 'leakyrelu_alpha', 0.2);
    return builder.addNode({ name, op: 'LeakyRelu', inputs: [tensor] }, { alpha });
  }
  if (activation === 'Prelu') {
    const inputs = [tensor, channelWeight(builder, weightOf(slopes, node), 4)];
    return builder.addNode({ name, op: 'PRelu', inputs });
  }
  return addActivation(builder, name, activation.toLowerCase(), tensor);
}

const pool =
  (op: string): AddOperation =>
  (builder, node, [input]) => {
    const [, height = 1, width = 1] = integersOf(node, 'ksize');
    const inputs = [tensorOf(input)];
    return builder.addNode({ name: node.name, op, inputs }, windowOf(node, [height, width]));
  };

const activate =
  (kind: string): AddOperation =>
  (builder, node, [input]) =>
    addActivation(builder, node.name, kind, tensorOf(input));

const combine =
  (op: string): AddOperation =>
  (builder, node, inputs) => {
    const rank = builder.rankOf(tensorOf(inputs.find((input) => 'tensor' in input)));
    const names = inputs.map((input) =>
      'tensor' in input ? input.tensor : channelWeight(builder, input.weight, rank),
    );
    return builder.addNode({ name: node.name, op, inputs: names, rank });
  };

/** Add any number of tensors, in order: grappler writes a chain of additions as one AddN. */
const addAll: AddOperation = (builder, node, [first, ...others]) =>
  tensorOf(
    others.reduce<NodeInput | undefined>((sum, other, at) => {
      const name = at === others.length - 1 ? node.name : `${node.name}:${at}`;
      const inputs = [sum, other].filter((input) => input !== undefined);
      return { tensor: combine('Add')(builder, { ...node, name }, inputs) };
    }, first),
  );

/** Whether axes, which may count from the end, are those of a map's plane. */
const arePlane = (axes: readonly number[]): boolean =>
  axes
    .map((axis) => (axis + 4) % 4)
    .sort()
    .join() === '1,2';

const reduce =
  (op: string): AddOperation =>
  (builder, node, [input, axes]) => {
    const tensor = tensorOf(input);
    const reduced = builder.integersOf(weightOf(axes, node));
    if (builder.rankOf(tensor) !== 4 || !arePlane(reduced)) {
      throw new NotTranslated(`'${node.name}' reduces axes ${reduced.join(', ')}`);
    }
    const pooled = builder.addNode({ name: node.name, op, inputs: [tensor] });
    if (node.attr?.keep_dims?.b === true) return pooled;
    const name = `${node.name}/flatten`;
    return builder.addNode({ name, op: 'Flatten', inputs: [pooled], rank: 2 });
  };

const pad: AddOperation = (builder, node, [input, amounts]) => {
  const { name } = node;
  const [n0, n1, top = 0, bottom = 0, left = 0, right = 0, c0, c1] = builder.integersOf(
    weightOf(amounts, node),
  );
  if (n0 || n1 || c0 || c1) throw new NotTranslated(`'${name}' pads channels`);
  const pads = builder.addIntegers(`${name}:pads`, [0, 0, top, left, 0, 0, bottom, right]);
  return builder.addNode({ name, op: 'Pad', inputs: [tensorOf(input), pads] });
};

const concat: AddOperation = (builder, node, operands) => {
  const { name } = node;
  const inputs = operands.slice(0, -1).map(tensorOf);
  const rank = builder.rankOf(tensorOf(operands[0]));
  const [axis] = builder.integersOf(weightOf(operands.at(-1), node));
  if (axis === undefined || (axis + rank) % rank !== rank - 1) {
    throw new NotTranslated(`'${name}' joins along axis ${axis}`);
  }
  return builder.addNode({ name, op: 'Concat', inputs }, { axis: 1 });
};

const matMul: AddOperation = (builder, node, [input, weight, bias]) => {
  const { transpose_a: transposeInput, transpose_b: transposeWeight } = node.attr ?? {};
  if (transposeInput?.b === true) throw new NotTranslated(`'${node.name}' turns its input`);
  const biases = addBias(builder, node, bias);
  const inputs = [tensorOf(input), builder.addWeight(weightOf(weight, node)), ...biases];
  const transB = transposeWeight?.b === true ? 1 : 0;
  const tensor = builder.addNode({ name: node.name, op: 'Gemm', inputs }, { transB });
  return addFusedActivation(builder, node, tensor);
};

const reshape: AddOperation = (builder, node, [input, shape]) => {
  const [, ...rest] = builder.integersOf(weightOf(shape, node));
  return addReshape(builder, node.name, tensorOf(input), rest);
};

const squeeze: AddOperation = (builder, node, [input]) => {
  const { name } = node;
  const tensor = tensorOf(input);
  const axes = integersOf(node, 'squeeze_dims');
  if (builder.rankOf(tensor) !== 4 || !arePlane(axes)) {
    throw new NotTranslated(`'${name}' squeezes axes ${axes.join(', ')}`);
  }
  return builder.addNode({ name, op: 'Flatten', inputs: [tensor], rank: 2 });
};

const batchNorm: AddOperation = (builder, node, [input, ...weights]) => {
  const names = weights.map((weight) => builder.addWeight(weightOf(weight, node)));
  const inputs = [tensorOf(input), ...names];
  const epsilon = numberOf(node, 'epsilon', 1e-4);
  return builder.addNode({ name: node.name, op: 'BatchNormalization', inputs }, { epsilon });
};

const leakyRelu: AddOperation = (builder, node, [input]) => {
  const alpha = numberOf(node, 'alpha', 0.2);
  return builder.addNode(
    { name: node.name, op: 'LeakyRelu', inputs: [tensorOf(input)] },
    { alpha },
  );
};

const prelu: AddOperation = (builder, node, [input, slopes]) => {
  const tensor = tensorOf(input);
  const weight = channelWeight(builder, weightOf(slopes, node), builder.rankOf(tensor));
  return builder.addNode({ name: node.name, op: 'PRelu', inputs: [tensor, weight] });
};

/** Translations by TensorFlow's names of operations. */
export const addOperationOf: Readonly<Record<string, AddOperation>> = {
  Conv2D: convolve(false),
  _FusedConv2D: convolve(false),
  DepthwiseConv2dNative: convolve(true),
  FusedDepthwiseConv2dNative: convolve(true),
  MaxPool: pool('MaxPool'),
  AvgPool: pool('AveragePool'),
  Mean: reduce('GlobalAveragePool'),
  Max: reduce('GlobalMaxPool'),
  Pad: pad,
  PadV2: pad,
  ConcatV2: concat,
  MatMul: matMul,
  _FusedMatMul: matMul,
  Reshape: reshape,
  Squeeze: squeeze,
  FusedBatchNorm: batchNorm,
  FusedBatchNormV3: batchNorm,
  BiasAdd: combine('Add'),
  Add: combine('Add'),
  AddV2: combine('Add'),
  AddN: addAll,
  Sub: combine('Sub'),
  Mul: combine('Mul'),
  RealDiv: combine('Div'),
  Maximum: combine('Max'),
  Minimum: combine('Min'),
  Relu: activate('relu'),
  Relu6: activate('relu6'),
  Elu: activate('elu'),
  Selu: activate('selu'),
  Sigmoid: activate('sigmoid'),
  Tanh: activate('tanh'),
  Softplus: activate('softplus'),
  Softmax: activate('softmax'),
  LeakyRelu: leakyRelu,
  Prelu: prelu,
};
