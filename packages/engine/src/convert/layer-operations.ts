import { at } from '@umbra/shared/assert';
import { type GraphBuilder, NotTranslated } from './graph-builder.js';
import {
  addActivation,
  addChannelWeight,
  addClip,
  addDepthwiseKernel,
  addReshape,
  kernelShape,
  type Pair,
  toChannelsLast,
  windowAttributes,
} from './shared-operations.js';

export type LayerConfig = Readonly<Record<string, unknown>>;

/** A layer to add: its settings, and the tensors that it reads, of which `input` is the first. */
export type NewLayer = {
  readonly builder: GraphBuilder;
  readonly name: string;
  readonly config: LayerConfig;
  readonly input: string;
  readonly inputs: readonly string[];
};
/** Translates one kind of layer. @returns The name of its output. */
export type AddLayer = (layer: NewLayer) => string;

/** A setting of one number for both axes, or of one for each. */
const pair = (value: unknown): Pair =>
  Array.isArray(value) ? [Number(value[0]), Number(value[1])] : [Number(value), Number(value)];

/** A number setting, or Keras' default where the layer leaves it out. */
const number = (value: unknown, byDefault: number): number =>
  typeof value === 'number' ? value : byDefault;

/** Find a weight; Keras' names may carry the scopes of the models around a layer. */
function weightName({ builder, name }: NewLayer, weight: string): string {
  const plain = `${name}/${weight}`;
  if (builder.weightNames.has(plain)) return plain;
  const found = [...builder.weightNames].find(
    (candidate) => candidate.replace(/:0$/, '').endsWith(`/${plain}`) || candidate === `${plain}:0`,
  );
  return found ?? plain;
}

function windowOf({ padding, dilation_rate = 1 }: LayerConfig, kernel: unknown, strides: unknown) {
  return windowAttributes({
    isSame: padding === 'same',
    kernel: pair(kernel),
    strides: pair(strides),
    dilations: pair(dilation_rate),
  });
}

function convolutionWindow(config: LayerConfig) {
  const { kernel_size: kernel, strides = 1 } = config;
  return windowOf(config, kernel, strides);
}

/** Add the layer's own activation to what it computes. */
function activated({ builder, name, config }: NewLayer, tensor: string): string {
  // Keras leaves it out, or writes null, where there is none.
  const kind = String(config.activation ?? 'linear');
  return addActivation(builder, `${name}/activation`, kind, tensor);
}

function biasOf(layer: NewLayer): string[] {
  const { use_bias: hasBias = true } = layer.config;
  return hasBias ? [layer.builder.addWeight(weightName(layer, 'bias'))] : [];
}

const conv: AddLayer = (layer) => {
  const { builder, name, config, input } = layer;
  const kernel = builder.addWeight(weightName(layer, 'kernel'), { axes: [3, 2, 0, 1] });
  const inputs = [input, kernel, ...biasOf(layer)];
  const attributes = { ...convolutionWindow(config), group: number(config.groups, 1) };
  return activated(layer, builder.addNode({ name, op: 'Conv', inputs }, attributes));
};

function addDepthwise(layer: NewLayer, node: string, bias: readonly string[]): string {
  const { builder, config, input } = layer;
  const source = weightName(layer, 'depthwise_kernel');
  const [, , channels] = kernelShape(builder, source);
  const inputs = [input, addDepthwiseKernel(builder, source), ...bias];
  const attributes = { ...convolutionWindow(config), group: channels };
  return builder.addNode({ name: node, op: 'Conv', inputs }, attributes);
}

const depthwiseConv: AddLayer = (layer) =>
  activated(layer, addDepthwise(layer, layer.name, biasOf(layer)));

const separableConv: AddLayer = (layer) => {
  const { builder, name } = layer;
  const spread = addDepthwise(layer, `${name}/depthwise`, []);
  const kernel = builder.addWeight(weightName(layer, 'pointwise_kernel'), { axes: [3, 2, 0, 1] });
  const inputs = [spread, kernel, ...biasOf(layer)];
  return activated(layer, builder.addNode({ name: `${name}/pointwise`, op: 'Conv', inputs }));
};

const pool =
  (op: string): AddLayer =>
  ({ builder, name, config, inputs }) => {
    const { pool_size: kernel } = config;
    return builder.addNode(
      { name, op, inputs },
      windowOf(config, kernel, config.strides ?? kernel),
    );
  };

const rescaling: AddLayer = ({ builder, name, config, input }) => {
  const { scale, offset = 0 } = config;
  if (typeof scale !== 'number' || typeof offset !== 'number') {
    throw new NotTranslated(`layer '${name}' rescales by more than a number`);
  }
  const by = builder.addFloats(`${name}:scale`, [scale]);
  const scaled = builder.addNode({ name: `${name}/scale`, op: 'Mul', inputs: [input, by] });
  return builder.addNode({
    name,
    op: 'Add',
    inputs: [scaled, builder.addFloats(`${name}:offset`, [offset])],
  });
};

const globalPool =
  (op: string): AddLayer =>
  ({ builder, name, config, inputs }) => {
    const pooled = builder.addNode({ name, op, inputs });
    if (config.keepdims === true) return pooled;
    return builder.addNode({ name: `${name}/flatten`, op: 'Flatten', inputs: [pooled], rank: 2 });
  };

const zeroPadding: AddLayer = ({ builder, name, config, input }) => {
  const sides = config.padding as number | readonly (number | readonly number[])[];
  const [vertical, horizontal] = Array.isArray(sides) ? sides : [sides, sides];
  const [[top, bottom], [left, right]] = [pair(vertical), pair(horizontal)];
  const amounts = builder.addIntegers(`${name}:pads`, [0, 0, top, left, 0, 0, bottom, right]);
  return builder.addNode({ name, op: 'Pad', inputs: [input, amounts] });
};

/** Refuse a layer that works along another axis than TensorFlow's last, the channels. */
function assertLastAxis({ builder, name, input }: NewLayer, axis: number, does: string): void {
  if (axis !== -1 && axis !== builder.rankOf(input) - 1) {
    throw new NotTranslated(`layer '${name}' ${does} along axis ${axis}`);
  }
}

const batchNorm: AddLayer = (layer) => {
  const { builder, name, config, input } = layer;
  const axis = Array.isArray(config.axis) ? config.axis[0] : number(config.axis, -1);
  assertLastAxis(layer, axis, 'normalises');
  const mean = weightName(layer, 'moving_mean');
  const channels = at(builder.shapeOf(mean), 0);
  const weightOr = (weight: string, isThere: unknown, value: number) =>
    isThere === false
      ? builder.addFloats(`${name}:${weight}`, Array(channels).fill(value))
      : builder.addWeight(weightName(layer, weight));
  const inputs = [
    input,
    weightOr('gamma', config.scale, 1),
    weightOr('beta', config.center, 0),
    builder.addWeight(mean),
    builder.addWeight(weightName(layer, 'moving_variance')),
  ];
  const epsilon = number(config.epsilon, 1e-3);
  return builder.addNode({ name, op: 'BatchNormalization', inputs }, { epsilon });
};

const relu: AddLayer = ({ builder, name, config, input }) => {
  const inputs = [input];
  const slope = number(config.negative_slope, 0);
  if (number(config.threshold, 0) !== 0) throw new NotTranslated(`layer '${name}' has a threshold`);
  const { max_value: max } = config;
  if (typeof max !== 'number') {
    return slope === 0
      ? builder.addNode({ name, op: 'Relu', inputs })
      : builder.addNode({ name, op: 'LeakyRelu', inputs }, { alpha: slope });
  }
  if (slope !== 0) throw new NotTranslated(`layer '${name}' has a slope and a maximum`);
  return addClip(builder, name, input, { min: 0, max });
};

const prelu: AddLayer = (layer) => {
  const { builder, name, input } = layer;
  const source = weightName(layer, 'alpha');
  const owner = `layer '${name}' has a slope`;
  const slopes = addChannelWeight(builder, source, builder.rankOf(input), owner);
  return builder.addNode({ name, op: 'PRelu', inputs: [input, slopes] });
};

const withAlpha =
  (op: string, byDefault: number): AddLayer =>
  ({ builder, name, config: { alpha, negative_slope: slope }, inputs }) =>
    builder.addNode({ name, op, inputs }, { alpha: number(alpha ?? slope, byDefault) });

const combine =
  (op: string): AddLayer =>
  ({ builder, name, inputs }) =>
    builder.addNode({ name, op, inputs });

/** Adds any number of tensors, where ONNX's `Add` takes two. */
const add: AddLayer = ({ builder, name, inputs }) =>
  builder.addNode({ name, op: inputs.length === 2 ? 'Add' : 'Sum', inputs });

const concatenate: AddLayer = (layer) => {
  const { builder, name, config, inputs } = layer;
  assertLastAxis(layer, number(config.axis, -1), 'joins');
  return builder.addNode({ name, op: 'Concat', inputs }, { axis: 1 });
};

const softmax: AddLayer = ({ builder, name, inputs }) =>
  builder.addNode({ name, op: 'Softmax', inputs }, { axis: 1 });

const flatten: AddLayer = ({ builder, name, input }) => {
  const inputs = [toChannelsLast(builder, name, input)];
  return builder.addNode({ name, op: 'Flatten', inputs, rank: 2 });
};

const reshape: AddLayer = ({ builder, name, config, input }) => {
  const { target_shape: shape } = config;
  if (!Array.isArray(shape)) throw new NotTranslated(`layer '${name}' names no shape`);
  return addReshape(builder, name, input, shape.map(Number));
};

const dense: AddLayer = (layer) => {
  const { builder, name, input } = layer;
  const source = weightName(layer, 'kernel');
  const bias = biasOf(layer);
  if (builder.rankOf(input) === 2) {
    const inputs = [input, builder.addWeight(source), ...bias];
    return activated(layer, builder.addNode({ name, op: 'Gemm', inputs }));
  }
  // On a map, a dense layer is a convolution of 1x1.
  const [read, made] = builder.shapeOf(source);
  if (read === undefined || made === undefined) {
    throw new NotTranslated(`its kernel '${source}' has not two axes`);
  }
  const kernel = builder.addWeight(source, { axes: [1, 0], shape: [made, read, 1, 1] });
  const inputs = [input, kernel, ...bias];
  return activated(layer, builder.addNode({ name, op: 'Conv', inputs }));
};

/** Translations by Keras' names of layers. */
export const addLayerOf: Readonly<Record<string, AddLayer>> = {
  Conv2D: conv,
  DepthwiseConv2D: depthwiseConv,
  SeparableConv2D: separableConv,
  MaxPooling2D: pool('MaxPool'),
  AveragePooling2D: pool('AveragePool'),
  GlobalAveragePooling2D: globalPool('GlobalAveragePool'),
  GlobalMaxPooling2D: globalPool('GlobalMaxPool'),
  ZeroPadding2D: zeroPadding,
  BatchNormalization: batchNorm,
  Activation: ({ builder, name, config, input }) =>
    addActivation(builder, name, String(config.activation), input),
  ReLU: relu,
  LeakyReLU: withAlpha('LeakyRelu', 0.3),
  Rescaling: rescaling,
  ELU: withAlpha('Elu', 1),
  PReLU: prelu,
  Softmax: softmax,
  Add: add,
  Subtract: combine('Sub'),
  Multiply: combine('Mul'),
  Average: combine('Mean'),
  Maximum: combine('Max'),
  Minimum: combine('Min'),
  Concatenate: concatenate,
  Flatten: flatten,
  Reshape: reshape,
  Dense: dense,
};
