import {
  addActivation,
  addClip,
  addNode,
  addNumbers,
  addReshape,
  addWeight,
  addWhole,
  channelsLast,
  type Draft,
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
type Rule = (draft: Draft, name: string, config: Config, inputs: readonly string[]) => string;

/**
 * Write a layers model (Keras 1 and 2, as TensorFlow.js saves it) into a draft.
 *
 * @param input The image, [N, 3, height, width].
 * @returns The network's output.
 * @throws {NotTranslated} where a layer is not known.
 * @see https://keras.io/api/layers/ for what each layer computes.
 */
export function translateLayers(draft: Draft, input: string): string {
  const { model_config: config = draft.model.topology } = draft.model.topology;
  const [output, ...others] = addModel(draft, config as LayerJson, [input]);
  if (output === undefined || others.length > 0) throw new NotTranslated('it has several outputs');
  return output;
}

function addModel(draft: Draft, { class_name, config }: LayerJson, inputs: readonly string[]) {
  // Old files of Sequential models hold the list itself.
  const layers = (Array.isArray(config) ? config : config?.layers) as LayerJson[] | undefined;
  if (!Array.isArray(layers))
    throw new NotTranslated('its layers are not listed as Keras 1 and 2 do');
  if (class_name === 'Sequential') {
    let tensor = inputs[0] ?? '';
    for (const layer of layers) [tensor = ''] = addLayer(draft, layer, [tensor]);
    return [tensor];
  }
  const made = new Map<string, readonly string[]>();
  const given = [...inputs];
  for (const layer of layers) {
    const name = String(layer.config.name);
    if (layer.class_name === 'InputLayer') made.set(name, [given.shift() ?? '']);
    else made.set(name, addLayer(draft, layer, sourcesOf(layer, made)));
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

function addLayer(draft: Draft, layer: LayerJson, inputs: readonly string[]): readonly string[] {
  const { class_name: kind, config } = layer;
  if (kind === 'Sequential' || kind === 'Model' || kind === 'Functional') {
    return addModel(draft, layer, inputs);
  }
  if (passing.has(kind)) return inputs.slice(0, 1);
  const rule = rules[kind];
  if (rule === undefined) throw new NotTranslated(`its layer '${kind}' is not known`);
  if ((config.data_format ?? 'channels_last') !== 'channels_last') {
    throw new NotTranslated(`layer '${config.name}' takes channels first`);
  }
  return [rule(draft, String(config.name), config, inputs)];
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
function weightName(draft: Draft, layer: string, weight: string): string {
  const plain = `${layer}/${weight}`;
  if (draft.model.weights.has(plain)) return plain;
  const found = [...draft.model.weights.keys()].find(
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

const activated = (draft: Draft, name: string, config: Config, tensor: string): string =>
  addActivation(draft, `${name}/activation`, String(config.activation ?? 'linear'), tensor);

const biasOf = (draft: Draft, name: string, { use_bias = true }: Config): string[] =>
  use_bias ? [addWeight(draft, weightName(draft, name, 'bias'))] : [];

const conv: Rule = (draft, name, config, [input = '']) => {
  const kernel = addWeight(draft, weightName(draft, name, 'kernel'), { axes: [3, 2, 0, 1] });
  const output = addNode(draft, name, 'Conv', [input, kernel, ...biasOf(draft, name, config)], {
    ...windowOf(config, config.kernel_size, config.strides ?? 1),
    group: number(config.groups, 1),
  });
  return activated(draft, name, config, output);
};

/** Kernels [height, width, channels, multiplier]: outputs of a channel lie side by side. */
function depthwise(
  draft: Draft,
  node: string,
  config: Config,
  [input = '', ...bias]: readonly string[],
): string {
  const source = weightName(draft, String(config.name), 'depthwise_kernel');
  const [height = 0, width = 0, channels = 0, multiplier = 0] =
    draft.model.weights.get(source)?.shape ?? [];
  const kernel = addWeight(draft, source, {
    axes: [2, 3, 0, 1],
    shape: [channels * multiplier, 1, height, width],
  });
  return addNode(draft, node, 'Conv', [input, kernel, ...bias], {
    ...windowOf(config, config.kernel_size, config.strides ?? 1),
    group: channels,
  });
}

const depthwiseConv: Rule = (draft, name, config, [input = '']) =>
  activated(
    draft,
    name,
    config,
    depthwise(draft, name, config, [input, ...biasOf(draft, name, config)]),
  );

const separableConv: Rule = (draft, name, config, [input = '']) => {
  const spread = depthwise(draft, `${name}/depthwise`, config, [input]);
  const kernel = addWeight(draft, weightName(draft, name, 'pointwise_kernel'), {
    axes: [3, 2, 0, 1],
  });
  const inputs = [spread, kernel, ...biasOf(draft, name, config)];
  return activated(draft, name, config, addNode(draft, `${name}/pointwise`, 'Conv', inputs));
};

const pool =
  (op: string): Rule =>
  (draft, name, config, inputs) =>
    addNode(
      draft,
      name,
      op,
      inputs,
      windowOf(config, config.pool_size, config.strides ?? config.pool_size),
    );

const globalPool =
  (op: string): Rule =>
  (draft, name, config, inputs) => {
    if (config.keepdims === true) return addNode(draft, name, op, inputs);
    const pooled = addNode(draft, name, op, inputs);
    return addNode(draft, `${name}/flatten`, 'Flatten', [pooled], { rank: 2 });
  };

const zeroPadding: Rule = (draft, name, config, [input = '']) => {
  const sides = config.padding as number | readonly (number | readonly number[])[];
  const [vertical, horizontal] = Array.isArray(sides) ? sides : [sides, sides];
  const [[top, bottom], [left, right]] = [pair(vertical), pair(horizontal)];
  const amounts = addWhole(draft, `${name}:pads`, [0, 0, top, left, 0, 0, bottom, right]);
  return addNode(draft, name, 'Pad', [input, amounts]);
};

const batchNorm: Rule = (draft, name, config, [input = '']) => {
  const rank = draft.ranks.get(input) ?? 0;
  const axis = Array.isArray(config.axis) ? config.axis[0] : number(config.axis, -1);
  if (axis !== -1 && axis !== rank - 1) {
    throw new NotTranslated(`layer '${name}' normalises along axis ${axis}`);
  }
  const mean = weightName(draft, name, 'moving_mean');
  const channels = draft.model.weights.get(mean)?.shape[0] ?? 0;
  const one = (weight: string, there: unknown, value: number) =>
    there === false
      ? addNumbers(draft, `${name}:${weight}`, Array(channels).fill(value))
      : addWeight(draft, weightName(draft, name, weight));
  const inputs = [
    ...[
      input,
      one('gamma', config.scale, 1),
      one('beta', config.center, 0),
      addWeight(draft, mean),
    ],
    addWeight(draft, weightName(draft, name, 'moving_variance')),
  ];
  return addNode(draft, name, 'BatchNormalization', inputs, {
    epsilon: number(config.epsilon, 1e-3),
  });
};

const relu: Rule = (draft, name, config, inputs) => {
  const slope = number(config.negative_slope, 0);
  if (number(config.threshold, 0) !== 0) throw new NotTranslated(`layer '${name}' has a threshold`);
  const most = config.max_value;
  if (typeof most !== 'number') {
    return slope === 0
      ? addNode(draft, name, 'Relu', inputs)
      : addNode(draft, name, 'LeakyRelu', inputs, { alpha: slope });
  }
  if (slope !== 0) throw new NotTranslated(`layer '${name}' has a slope and a maximum`);
  return addClip(draft, name, inputs[0] ?? '', 0, most);
};

const prelu: Rule = (draft, name, _config, [input = '']) => {
  const source = weightName(draft, name, 'alpha');
  const shape = draft.model.weights.get(source)?.shape ?? [];
  const channels = shape.at(-1) ?? 1;
  if (shape.slice(0, -1).some((extent) => extent !== 1)) {
    throw new NotTranslated(`layer '${name}' has a slope for each place`);
  }
  const slopes = draft.ranks.get(input) === 4 ? [channels, 1, 1] : [channels];
  return addNode(draft, name, 'PRelu', [input, addWeight(draft, source, { shape: slopes })]);
};

const withAlpha =
  (op: string, fallback: number): Rule =>
  (draft, name, { alpha, negative_slope: slope }, inputs) =>
    addNode(draft, name, op, inputs, { alpha: number(alpha ?? slope, fallback) });

const combine =
  (op: string): Rule =>
  (draft, name, _config, inputs) =>
    addNode(draft, name, op, inputs);

/** Of any number of tensors, where ONNX adds two. */
const add: Rule = (draft, name, _config, inputs) =>
  addNode(draft, name, inputs.length === 2 ? 'Add' : 'Sum', inputs);

const concatenate: Rule = (draft, name, config, inputs) => {
  const rank = draft.ranks.get(inputs[0] ?? '') ?? 0;
  const axis = number(config.axis, -1);
  if (axis !== -1 && axis !== rank - 1)
    throw new NotTranslated(`layer '${name}' joins along axis ${axis}`);
  return addNode(draft, name, 'Concat', inputs, { axis: 1 });
};

const flatten: Rule = (draft, name, _config, [input = '']) =>
  addNode(draft, name, 'Flatten', [channelsLast(draft, name, input)], { rank: 2 });

const reshape: Rule = (draft, name, config, [input = '']) =>
  addReshape(draft, name, input, (config.target_shape as number[]) ?? []);

const dense: Rule = (draft, name, config, [input = '']) => {
  const source = weightName(draft, name, 'kernel');
  const bias = biasOf(draft, name, config);
  if (draft.ranks.get(input) === 2) {
    const output = addNode(draft, name, 'Gemm', [input, addWeight(draft, source), ...bias]);
    return activated(draft, name, config, output);
  }
  const [inputs = 0, outputs = 0] = draft.model.weights.get(source)?.shape ?? [];
  const kernel = addWeight(draft, source, { axes: [1, 0], shape: [outputs, inputs, 1, 1] });
  return activated(draft, name, config, addNode(draft, name, 'Conv', [input, kernel, ...bias]));
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
  Activation: (draft, name, config, [input = '']) =>
    addActivation(draft, name, String(config.activation), input),
  ReLU: relu,
  LeakyReLU: withAlpha('LeakyRelu', 0.3),
  ELU: withAlpha('Elu', 1),
  PReLU: prelu,
  Softmax: (draft, name, _config, inputs) => addNode(draft, name, 'Softmax', inputs, { axis: 1 }),
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
