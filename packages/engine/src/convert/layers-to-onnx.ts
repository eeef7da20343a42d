import {
  addActivation,
  addClip,
  addNode,
  addNumbers,
  addReshape,
  addWeight,
  addWhole,
  channelsLast,
  type GraphBuilder,
  NotTranslated,
  windowAttributes,
} from './graph-builder.js';

type Config = Readonly<Record<string, unknown>>;
type LayerJson = {
  readonly class_name: string;
  readonly config: Config;
  readonly inbound_nodes?: unknown;
};
/** Translates one layer. @returns The name of its output. */
type Rule = (
  builder: GraphBuilder,
  name: string,
  config: Config,
  inputs: readonly string[],
) => string;

/**
 * Write a layers model (Keras 1 and 2, as TensorFlow.js saves it) into a draft.
 *
 * @param input The image, [N, 3, height, width].
 * @returns The network's output.
 * @throws {NotTranslated} where a layer is not known.
 * @see https://keras.io/api/layers/ for what each layer computes.
 */
export function translateLayers(builder: GraphBuilder, input: string): string {
  const { model_config: config = builder.model.topology } = builder.model.topology;
  const [output, ...others] = addModel(builder, config as LayerJson, [input]);
  if (output === undefined || others.length > 0) throw new NotTranslated('it has several outputs');
  return output;
}

function addModel(
  builder: GraphBuilder,
  { class_name, config }: LayerJson,
  inputs: readonly string[],
) {
  // Old files of Sequential models hold the list itself.
  const layers = (Array.isArray(config) ? config : config?.layers) as LayerJson[] | undefined;
  if (!Array.isArray(layers))
    throw new NotTranslated('its layers are not listed as Keras 1 and 2 do');
  if (class_name === 'Sequential') {
    let tensor = inputs[0] ?? '';
    for (const layer of layers) [tensor = ''] = addLayer(builder, layer, [tensor]);
    return [tensor];
  }
  const made = new Map<string, readonly string[]>();
  const given = [...inputs];
  for (const layer of layers) {
    const name = String(layer.config.name);
    if (layer.class_name === 'InputLayer') made.set(name, [given.shift() ?? '']);
    else made.set(name, addLayer(builder, layer, sourcesOf(layer, made)));
  }
  const outputs = flattenRefs(config.output_layers);
  return outputs.map(([name, , index]) => made.get(name)?.[index] ?? '');
}

/** References to other layers' outputs: [layer, call, output]. */
type Ref = readonly [layer: string, call: number, output: number];

function sourcesOf(layer: LayerJson, made: ReadonlyMap<string, readonly string[]>): string[] {
  const calls = layer.inbound_nodes;
  if (!Array.isArray(calls) || calls.length !== 1 || !Array.isArray(calls[0])) {
    throw new NotTranslated(
      `layer '${layer.config.name}' is used more than once, or saved by Keras 3`,
    );
  }
  return flattenRefs(calls[0]).map(([name, , index]) => {
    const tensor = made.get(name)?.[index];
    if (tensor === undefined) throw new NotTranslated(`layer '${name}' comes after its reader`);
    return tensor;
  });
}

/** One reference may stand alone, without a list around it. */
function flattenRefs(refs: unknown): readonly Ref[] {
  const list = refs as readonly unknown[];
  return (typeof list?.[0] === 'string' ? [list] : (list ?? [])) as readonly Ref[];
}

function addLayer(
  builder: GraphBuilder,
  layer: LayerJson,
  inputs: readonly string[],
): readonly string[] {
  const { class_name: kind, config } = layer;
  if (kind === 'Sequential' || kind === 'Model' || kind === 'Functional') {
    return addModel(builder, layer, inputs);
  }
  if (passing.has(kind)) return inputs.slice(0, 1);
  const rule = rules[kind];
  if (rule === undefined) throw new NotTranslated(`its layer '${kind}' is not known`);
  if ((config.data_format ?? 'channels_last') !== 'channels_last') {
    throw new NotTranslated(`layer '${config.name}' takes channels first`);
  }
  return [rule(builder, String(config.name), config, inputs)];
}

const passing = new Set([
  ...['InputLayer', 'Dropout', 'SpatialDropout2D', 'GaussianNoise', 'GaussianDropout'],
  ...['AlphaDropout', 'ActivityRegularization'],
]);

const pair = (value: unknown): readonly [number, number] =>
  Array.isArray(value) ? [Number(value[0]), Number(value[1])] : [Number(value), Number(value)];
const number = (value: unknown, fallback: number): number =>
  typeof value === 'number' ? value : fallback;

/** Keras' names of weights may carry the scopes of the models around them. */
function weightName(builder: GraphBuilder, layer: string, weight: string): string {
  const plain = `${layer}/${weight}`;
  if (builder.model.weights.has(plain)) return plain;
  const found = [...builder.model.weights.keys()].find(
    (name) => name.replace(/:0$/, '').endsWith(`/${plain}`) || name === `${plain}:0`,
  );
  return found ?? plain;
}

const windowOf = (config: Config, kernel: unknown, strides: unknown) =>
  windowAttributes(
    config.padding === 'same',
    pair(kernel),
    pair(strides),
    pair(config.dilation_rate ?? 1),
  );

const activated = (builder: GraphBuilder, name: string, config: Config, tensor: string): string =>
  addActivation(builder, `${name}/activation`, String(config.activation ?? 'linear'), tensor);

const biasOf = (builder: GraphBuilder, name: string, { use_bias = true }: Config): string[] =>
  use_bias ? [addWeight(builder, weightName(builder, name, 'bias'))] : [];

const conv: Rule = (builder, name, config, [input = '']) => {
  const kernel = addWeight(builder, weightName(builder, name, 'kernel'), { axes: [3, 2, 0, 1] });
  const output = addNode(builder, name, 'Conv', [input, kernel, ...biasOf(builder, name, config)], {
    ...windowOf(config, config.kernel_size, config.strides ?? 1),
    group: number(config.groups, 1),
  });
  return activated(builder, name, config, output);
};

/** Kernels [height, width, channels, multiplier]: outputs of a channel lie side by side. */
function depthwise(
  builder: GraphBuilder,
  node: string,
  config: Config,
  [input = '', ...bias]: readonly string[],
): string {
  const source = weightName(builder, String(config.name), 'depthwise_kernel');
  const [height = 0, width = 0, channels = 0, multiplier = 0] =
    builder.model.weights.get(source)?.shape ?? [];
  const kernel = addWeight(builder, source, {
    axes: [2, 3, 0, 1],
    shape: [channels * multiplier, 1, height, width],
  });
  return addNode(builder, node, 'Conv', [input, kernel, ...bias], {
    ...windowOf(config, config.kernel_size, config.strides ?? 1),
    group: channels,
  });
}

const depthwiseConv: Rule = (builder, name, config, [input = '']) =>
  activated(
    builder,
    name,
    config,
    depthwise(builder, name, config, [input, ...biasOf(builder, name, config)]),
  );

const separableConv: Rule = (builder, name, config, [input = '']) => {
  const spread = depthwise(builder, `${name}/depthwise`, config, [input]);
  const kernel = addWeight(builder, weightName(builder, name, 'pointwise_kernel'), {
    axes: [3, 2, 0, 1],
  });
  const inputs = [spread, kernel, ...biasOf(builder, name, config)];
  return activated(builder, name, config, addNode(builder, `${name}/pointwise`, 'Conv', inputs));
};

const pool =
  (op: string): Rule =>
  (builder, name, config, inputs) =>
    addNode(
      builder,
      name,
      op,
      inputs,
      windowOf(config, config.pool_size, config.strides ?? config.pool_size),
    );

const globalPool =
  (op: string): Rule =>
  (builder, name, config, inputs) => {
    if (config.keepdims === true) return addNode(builder, name, op, inputs);
    const pooled = addNode(builder, name, op, inputs);
    return addNode(builder, `${name}/flatten`, 'Flatten', [pooled], { rank: 2 });
  };

const zeroPadding: Rule = (builder, name, config, [input = '']) => {
  const sides = config.padding as number | readonly (number | readonly number[])[];
  const [vertical, horizontal] = Array.isArray(sides) ? sides : [sides, sides];
  const [[top, bottom], [left, right]] = [pair(vertical), pair(horizontal)];
  const amounts = addWhole(builder, `${name}:pads`, [0, 0, top, left, 0, 0, bottom, right]);
  return addNode(builder, name, 'Pad', [input, amounts]);
};

const batchNorm: Rule = (builder, name, config, [input = '']) => {
  const rank = builder.ranks.get(input) ?? 0;
  const axis = Array.isArray(config.axis) ? config.axis[0] : number(config.axis, -1);
  if (axis !== -1 && axis !== rank - 1) {
    throw new NotTranslated(`layer '${name}' normalises along axis ${axis}`);
  }
  const mean = weightName(builder, name, 'moving_mean');
  const channels = builder.model.weights.get(mean)?.shape[0] ?? 0;
  const one = (weight: string, there: unknown, value: number) =>
    there === false
      ? addNumbers(builder, `${name}:${weight}`, Array(channels).fill(value))
      : addWeight(builder, weightName(builder, name, weight));
  const inputs = [
    ...[
      input,
      one('gamma', config.scale, 1),
      one('beta', config.center, 0),
      addWeight(builder, mean),
    ],
    addWeight(builder, weightName(builder, name, 'moving_variance')),
  ];
  return addNode(builder, name, 'BatchNormalization', inputs, {
    epsilon: number(config.epsilon, 1e-3),
  });
};

const relu: Rule = (builder, name, config, inputs) => {
  const slope = number(config.negative_slope, 0);
  if (number(config.threshold, 0) !== 0) throw new NotTranslated(`layer '${name}' has a threshold`);
  const most = config.max_value;
  if (typeof most !== 'number') {
    return slope === 0
      ? addNode(builder, name, 'Relu', inputs)
      : addNode(builder, name, 'LeakyRelu', inputs, { alpha: slope });
  }
  if (slope !== 0) throw new NotTranslated(`layer '${name}' has a slope and a maximum`);
  return addClip(builder, name, inputs[0] ?? '', 0, most);
};

const prelu: Rule = (builder, name, _config, [input = '']) => {
  const source = weightName(builder, name, 'alpha');
  const shape = builder.model.weights.get(source)?.shape ?? [];
  const channels = shape.at(-1) ?? 1;
  if (shape.slice(0, -1).some((extent) => extent !== 1)) {
    throw new NotTranslated(`layer '${name}' has a slope for each place`);
  }
  const slopes = builder.ranks.get(input) === 4 ? [channels, 1, 1] : [channels];
  return addNode(builder, name, 'PRelu', [input, addWeight(builder, source, { shape: slopes })]);
};

const withAlpha =
  (op: string, fallback: number): Rule =>
  (builder, name, { alpha, negative_slope: slope }, inputs) =>
    addNode(builder, name, op, inputs, { alpha: number(alpha ?? slope, fallback) });

const combine =
  (op: string): Rule =>
  (builder, name, _config, inputs) =>
    addNode(builder, name, op, inputs);

/** Of any number of tensors, where ONNX adds two. */
const add: Rule = (builder, name, _config, inputs) =>
  addNode(builder, name, inputs.length === 2 ? 'Add' : 'Sum', inputs);

const concatenate: Rule = (builder, name, config, inputs) => {
  const rank = builder.ranks.get(inputs[0] ?? '') ?? 0;
  const axis = number(config.axis, -1);
  if (axis !== -1 && axis !== rank - 1)
    throw new NotTranslated(`layer '${name}' joins along axis ${axis}`);
  return addNode(builder, name, 'Concat', inputs, { axis: 1 });
};

const flatten: Rule = (builder, name, _config, [input = '']) =>
  addNode(builder, name, 'Flatten', [channelsLast(builder, name, input)], { rank: 2 });

const reshape: Rule = (builder, name, config, [input = '']) =>
  addReshape(builder, name, input, (config.target_shape as number[]) ?? []);

const dense: Rule = (builder, name, config, [input = '']) => {
  const source = weightName(builder, name, 'kernel');
  const bias = biasOf(builder, name, config);
  if (builder.ranks.get(input) === 2) {
    const output = addNode(builder, name, 'Gemm', [input, addWeight(builder, source), ...bias]);
    return activated(builder, name, config, output);
  }
  const [inputs = 0, outputs = 0] = builder.model.weights.get(source)?.shape ?? [];
  const kernel = addWeight(builder, source, { axes: [1, 0], shape: [outputs, inputs, 1, 1] });
  return activated(builder, name, config, addNode(builder, name, 'Conv', [input, kernel, ...bias]));
};

const rules: Readonly<Record<string, Rule>> = {
  Conv2D: conv,
  DepthwiseConv2D: depthwiseConv,
  SeparableConv2D: separableConv,
  MaxPooling2D: pool('MaxPool'),
  AveragePooling2D: pool('AveragePool'),
  GlobalAveragePooling2D: globalPool('GlobalAveragePool'),
  GlobalMaxPooling2D: globalPool('GlobalMaxPool'),
  ZeroPadding2D: zeroPadding,
  BatchNormalization: batchNorm,
  Activation: (builder, name, config, [input = '']) =>
    addActivation(builder, name, String(config.activation), input),
  ReLU: relu,
  LeakyReLU: withAlpha('LeakyRelu', 0.3),
  ELU: withAlpha('Elu', 1),
  PReLU: prelu,
  Softmax: (builder, name, _config, inputs) =>
    addNode(builder, name, 'Softmax', inputs, { axis: 1 }),
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
