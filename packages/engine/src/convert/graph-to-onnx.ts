import {
  addActivation,
  addNode,
  addReshape,
  addWeight,
  addWhole,
  type GraphBuilder,
  NotTranslated,
  windowAttributes,
} from './graph-builder.js';

/** A node of TensorFlow's GraphDef as JSON has it: numbers may be text, and text is base64. */
type NodeJson = {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, Attr>>;
};
type Attr = {
  readonly s?: string;
  readonly f?: number;
  readonly b?: boolean;
  readonly list?: { readonly i?: readonly (number | string)[]; readonly s?: readonly string[] };
};
/** What a node's input is: computed, or one of the model's weights by name. */
type Operand = { readonly tensor: string } | { readonly weight: string };
type Rule = (builder: GraphBuilder, node: NodeJson, inputs: readonly Operand[]) => string;

/**
 * Write a graph model (TensorFlow's GraphDef, as TensorFlow.js saves it) into a draft.
 *
 * @param input The image, [N, 3, height, width].
 * @returns The network's output.
 * @throws {NotTranslated} where an operation is not known.
 */
export function translateGraph(builder: GraphBuilder, input: string): string {
  const nodes = (builder.model.topology.node ?? []) as readonly NodeJson[];
  const made = new Map<string, Operand>();
  const read = new Set<string>();
  for (const node of inOrder(nodes)) {
    const inputs = dataInputs(node).map((name) => {
      read.add(name);
      return made.get(name) ?? { weight: name };
    });
    made.set(node.name, translate(builder, node, inputs, input));
  }
  const { signature } = builder.model.json;
  const named = Object.values(signature?.outputs ?? {}).map(({ name }) =>
    name.replace(/:\d+$/, ''),
  );
  const ends = nodes.map(({ name }) => name).filter((name) => !read.has(name));
  const outputs = named.length > 0 ? named : ends;
  const output = made.get(outputs[0] ?? '');
  if (outputs.length !== 1 || output === undefined || !('tensor' in output)) {
    throw new NotTranslated(`it has ${outputs.length} outputs`);
  }
  return output.tensor;
}

function translate(
  builder: GraphBuilder,
  node: NodeJson,
  inputs: readonly Operand[],
  image: string,
): Operand {
  if (node.op === 'Placeholder') return { tensor: image };
  if (node.op === 'Const') return { weight: node.name };
  const [first] = inputs;
  if (passing.has(node.op) && first !== undefined) return first;
  const rule = rules[node.op];
  if (rule === undefined) throw new NotTranslated(`its operation '${node.op}' is not known`);
  return { tensor: rule(builder, node, inputs) };
}

const passing = new Set(['Identity', 'StopGradient', 'PreventGradient', 'Dropout']);

const dataInputs = ({ input = [] }: NodeJson): readonly string[] =>
  input.filter((name) => !name.startsWith('^')).map((name) => name.replace(/:\d+$/, ''));

/** Nodes after what they read. */
function inOrder(nodes: readonly NodeJson[]): readonly NodeJson[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const done = new Set<string>();
  const order: NodeJson[] = [];
  const stack = [...nodes].reverse().map((node) => ({ node, entered: false }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, entered } = next;
    if (done.has(node.name)) continue;
    if (entered) {
      done.add(node.name);
      order.push(node);
      continue;
    }
    stack.push({ node, entered: true });
    for (const name of dataInputs(node)) {
      const source = byName.get(name);
      if (source !== undefined && !done.has(name)) stack.push({ node: source, entered: false });
    }
  }
  return order;
}

const decode = (text = ''): string => Buffer.from(text, 'base64').toString();
const integersOf = ({ attr }: NodeJson, name: string): number[] =>
  (attr?.[name]?.list?.i ?? []).map(Number);
const tensorOf = (operand: Operand | undefined): string => {
  if (operand !== undefined && 'tensor' in operand) return operand.tensor;
  throw new NotTranslated('a weight stands where a map is read');
};
function weightOf(operand: Operand | undefined, node: NodeJson): string {
  if (operand !== undefined && 'weight' in operand) return operand.weight;
  throw new NotTranslated(`'${node.name}' (${node.op}) computes its weights`);
}

/** Whole numbers of a small constant. */
function wholesOf(
  builder: GraphBuilder,
  operand: Operand | undefined,
  node: NodeJson,
): readonly number[] {
  const name = weightOf(operand, node);
  const values = builder.wholes.get(name);
  if (values === undefined) throw new NotTranslated(`'${name}' holds no whole numbers`);
  return values;
}

/** A constant of one number, or one a channel, shaped to meet a tensor. */
function flatWeight(builder: GraphBuilder, name: string, rank: number): string {
  const shape = builder.model.weights.get(name)?.shape ?? [];
  const channels = shape.at(-1) ?? 1;
  if (shape.slice(0, -1).some((extent) => extent !== 1)) {
    throw new NotTranslated(`'${name}' holds a number for each place`);
  }
  return addWeight(builder, name, { shape: rank === 4 ? [channels, 1, 1] : [channels] });
}

function windowOf(node: NodeJson, kernel: readonly number[]) {
  if (decode(node.attr?.data_format?.s) === 'NCHW') {
    throw new NotTranslated('it takes channels first');
  }
  const padding = decode(node.attr?.padding?.s);
  const [, ...strides] = integersOf(node, 'strides').slice(0, 3);
  const [, y = 1, x = 1] = integersOf(node, 'dilations');
  const window = windowAttributes(padding === 'SAME', kernel, strides, [y, x]);
  if (padding !== 'EXPLICIT') return window;
  const [, , top = 0, bottom = 0, left = 0, right = 0] = integersOf(node, 'explicit_paddings');
  return { ...window, auto_pad: 'NOTSET', pads: [top, left, bottom, right] };
}

function convolve(
  builder: GraphBuilder,
  node: NodeJson,
  inputs: readonly Operand[],
  perChannel: boolean,
): string {
  const [input, filter, bias, slopes] = inputs;
  const name = weightOf(filter, node);
  const [height = 0, width = 0, channels = 0, last = 0] =
    builder.model.weights.get(name)?.shape ?? [];
  const kernel = perChannel
    ? addWeight(builder, name, { axes: [2, 3, 0, 1], shape: [channels * last, 1, height, width] })
    : addWeight(builder, name, { axes: [3, 2, 0, 1] });
  const fused = (node.attr?.fused_ops?.list?.s ?? []).map(decode);
  const biases = fused.includes('BiasAdd') ? [addWeight(builder, weightOf(bias, node))] : [];
  const output = addNode(builder, node.name, 'Conv', [tensorOf(input), kernel, ...biases], {
    ...windowOf(node, [height, width]),
    group: perChannel ? channels : 1,
  });
  return fuse(builder, node, fused, output, slopes);
}

/** Activations that the runtime's own optimiser moved into a node. */
function fuse(
  builder: GraphBuilder,
  node: NodeJson,
  fused: readonly string[],
  tensor: string,
  slopes?: Operand,
): string {
  const [activation, ...others] = fused.filter((op) => op !== 'BiasAdd');
  if (activation === undefined) return tensor;
  if (others.length > 0) throw new NotTranslated(`'${node.name}' fuses ${fused.join(', ')}`);
  const name = `${node.name}/${activation}`;
  if (activation === 'LeakyRelu') {
    return addNode(builder, name, 'LeakyRelu', [tensor], {
      alpha: node.attr?.leakyrelu_alpha?.f ?? 0.2,
    });
  }
  if (activation === 'Prelu') {
    return addNode(builder, name, 'PRelu', [
      tensor,
      flatWeight(builder, weightOf(slopes, node), 4),
    ]);
  }
  return addActivation(builder, name, activation.toLowerCase(), tensor);
}

const pool =
  (op: string): Rule =>
  (builder, node, [input]) => {
    const [, height = 1, width = 1] = integersOf(node, 'ksize');
    return addNode(builder, node.name, op, [tensorOf(input)], windowOf(node, [height, width]));
  };

const activate =
  (kind: string): Rule =>
  (builder, node, [input]) =>
    addActivation(builder, node.name, kind, tensorOf(input));

const combine =
  (op: string): Rule =>
  (builder, node, inputs) => {
    const computed = inputs.find((input) => 'tensor' in input);
    const rank = builder.ranks.get(tensorOf(computed)) ?? 0;
    const names = inputs.map((input) =>
      'tensor' in input ? input.tensor : flatWeight(builder, input.weight, rank),
    );
    return addNode(builder, node.name, op, names, { rank });
  };

const reduce =
  (op: string): Rule =>
  (builder, node, [input, axes]) => {
    const tensor = tensorOf(input);
    const reduced = wholesOf(builder, axes, node).map((axis) => (axis + 4) % 4);
    if (builder.ranks.get(tensor) !== 4 || [...reduced].sort().join() !== '1,2') {
      throw new NotTranslated(`'${node.name}' reduces axes ${reduced.join(', ')}`);
    }
    const pooled = addNode(builder, node.name, op, [tensor]);
    if (node.attr?.keep_dims?.b === true) return pooled;
    return addNode(builder, `${node.name}/flatten`, 'Flatten', [pooled], { rank: 2 });
  };

const pad: Rule = (builder, node, [input, amounts]) => {
  const [n0, n1, top = 0, bottom = 0, left = 0, right = 0, c0, c1] = wholesOf(
    builder,
    amounts,
    node,
  );
  if (n0 || n1 || c0 || c1) throw new NotTranslated(`'${node.name}' pads channels`);
  const pads = addWhole(builder, `${node.name}:pads`, [0, 0, top, left, 0, 0, bottom, right]);
  return addNode(builder, node.name, 'Pad', [tensorOf(input), pads]);
};

const concat: Rule = (builder, node, inputs) => {
  const tensors = inputs.slice(0, -1).map(tensorOf);
  const rank = builder.ranks.get(tensors[0] ?? '') ?? 0;
  const [axis = 0] = wholesOf(builder, inputs.at(-1), node);
  if ((axis + rank) % rank !== rank - 1)
    throw new NotTranslated(`'${node.name}' joins along axis ${axis}`);
  return addNode(builder, node.name, 'Concat', tensors, { axis: 1 });
};

const matMul: Rule = (builder, node, [input, weight, bias]) => {
  const { transpose_a: turned, transpose_b: turnedWeight } = node.attr ?? {};
  if (turned?.b === true) throw new NotTranslated(`'${node.name}' turns its input`);
  const fused = (node.attr?.fused_ops?.list?.s ?? []).map(decode);
  const biases = fused.includes('BiasAdd') ? [addWeight(builder, weightOf(bias, node))] : [];
  const inputs = [tensorOf(input), addWeight(builder, weightOf(weight, node)), ...biases];
  const transB = turnedWeight?.b === true ? 1 : 0;
  return fuse(builder, node, fused, addNode(builder, node.name, 'Gemm', inputs, { transB }));
};

const reshape: Rule = (builder, node, [input, shape]) => {
  const [, ...rest] = wholesOf(builder, shape, node);
  return addReshape(builder, node.name, tensorOf(input), rest);
};

const squeeze: Rule = (builder, node, [input]) => {
  const tensor = tensorOf(input);
  const axes = integersOf(node, 'squeeze_dims').map((axis) => (axis + 4) % 4);
  if (builder.ranks.get(tensor) !== 4 || [...axes].sort().join() !== '1,2') {
    throw new NotTranslated(`'${node.name}' squeezes axes ${axes.join(', ')}`);
  }
  return addNode(builder, node.name, 'Flatten', [tensor], { rank: 2 });
};

const batchNorm: Rule = (builder, node, [input, ...weights]) => {
  const names = weights.map((weight) => addWeight(builder, weightOf(weight, node)));
  const epsilon = node.attr?.epsilon?.f ?? 1e-4;
  return addNode(builder, node.name, 'BatchNormalization', [tensorOf(input), ...names], {
    epsilon,
  });
};

const conv: Rule = (builder, node, inputs) => convolve(builder, node, inputs, false);
const depthwise: Rule = (builder, node, inputs) => convolve(builder, node, inputs, true);

const rules: Readonly<Record<string, Rule>> = {
  Conv2D: conv,
  _FusedConv2D: conv,
  DepthwiseConv2dNative: depthwise,
  FusedDepthwiseConv2dNative: depthwise,
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
  LeakyRelu: (builder, node, [input]) =>
    addNode(builder, node.name, 'LeakyRelu', [tensorOf(input)], {
      alpha: node.attr?.alpha?.f ?? 0.2,
    }),
  Prelu: (builder, node, [input, slopes]) =>
    addNode(builder, node.name, 'PRelu', [
      tensorOf(input),
      flatWeight(builder, weightOf(slopes, node), builder.ranks.get(tensorOf(input)) ?? 0),
    ]),
};
