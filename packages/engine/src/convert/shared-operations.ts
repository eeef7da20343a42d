import { type GraphBuilder, NotTranslated } from './graph-builder.js';

/** Maps with channels last, the order in which TensorFlow flattens them; other tensors as they are. */
export const toChannelsLast = (builder: GraphBuilder, name: string, tensor: string): string =>
  builder.rankOf(tensor) === 4
    ? builder.addNode(
        { name: `${name}:channels-last`, op: 'Transpose', inputs: [tensor] },
        { perm: [0, 2, 3, 1] },
      )
    : tensor;

/** Give numbers in TensorFlow's order another shape, [N, ...shape]. */
export function addReshape(
  builder: GraphBuilder,
  name: string,
  tensor: string,
  shape: readonly number[],
): string {
  const source = toChannelsLast(builder, name, tensor);
  const target = builder.addIntegers(`${name}:shape`, [0, ...shape]);
  const rank = shape.length + 1;
  const inputs = [source, target];
  if (rank !== 4) return builder.addNode({ name, op: 'Reshape', inputs, rank });
  const last = builder.addNode({ name: `${name}:reshape`, op: 'Reshape', inputs, rank });
  return builder.addNode({ name, op: 'Transpose', inputs: [last] }, { perm: [0, 3, 1, 2] });
}

const simpleActivations: Readonly<Record<string, string>> = {
  relu: 'Relu',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  elu: 'Elu',
  selu: 'Selu',
  softplus: 'Softplus',
  softsign: 'Softsign',
  mish: 'Mish',
};

/** Add an activation by Keras' name. @throws {NotTranslated} if it is not known. */
export function addActivation(
  builder: GraphBuilder,
  name: string,
  kind: string,
  tensor: string,
): string {
  const inputs = [tensor];
  const op = simpleActivations[kind];
  if (op !== undefined) return builder.addNode({ name, op, inputs });
  switch (kind) {
    case 'linear':
      return tensor;
    case 'relu6':
      return addClip(builder, name, tensor, { min: 0, max: 6 });
    case 'softmax':
      return builder.addNode({ name, op: 'Softmax', inputs }, { axis: 1 });
    case 'swish':
    case 'silu': {
      const gate = builder.addNode({ name: `${name}:sigmoid`, op: 'Sigmoid', inputs });
      return builder.addNode({ name, op: 'Mul', inputs: [tensor, gate] });
    }
    case 'hard_sigmoid':
    case 'hardSigmoid':
      return builder.addNode({ name, op: 'HardSigmoid', inputs }, { alpha: 0.2, beta: 0.5 });
    default:
      throw new NotTranslated(`its activation '${kind}' is not known`);
  }
}

/** Clamp a tensor to a range. */
export function addClip(
  builder: GraphBuilder,
  name: string,
  tensor: string,
  { min, max }: { readonly min: number; readonly max: number },
): string {
  const low = builder.addFloats(`${name}:low`, [min], []);
  const high = builder.addFloats(`${name}:high`, [max], []);
  return builder.addNode({ name, op: 'Clip', inputs: [tensor, low, high] });
}

/** [vertical, horizontal] */
export type Pair = readonly [y: number, x: number];

/** A window as TensorFlow describes it. */
export type TfWindow = {
  /** Whether its padding is `SAME`; `VALID` otherwise. */
  readonly isSame: boolean;
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
};

/** ONNX's attributes of a window. @throws {NotTranslated} if no form of padding fits. */
export function windowAttributes({ isSame, kernel, strides, dilations }: TfWindow) {
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
  const [top, bottom] = samePadding(kernel[0], dilations[0]);
  const [left, right] = samePadding(kernel[1], dilations[1]);
  return { ...window, pads: [top, left, bottom, right] };
}

function samePadding(kernel: number, dilation: number): [begin: number, end: number] {
  const total = (kernel - 1) * dilation;
  const begin = Math.floor(total / 2);
  return [begin, total - begin];
}

/** A kernel's extents in TensorFlow's order. @throws {NotTranslated} if it has not four axes. */
export function kernelShape(
  builder: GraphBuilder,
  weight: string,
): readonly [height: number, width: number, channels: number, outputs: number] {
  const [height, width, channels, outputs, ...more] = builder.shapeOf(weight);
  if (
    height === undefined ||
    width === undefined ||
    channels === undefined ||
    outputs === undefined ||
    more.length > 0
  ) {
    throw new NotTranslated(`its kernel '${weight}' has not four axes`);
  }
  return [height, width, channels, outputs];
}

/** Add a depthwise kernel, [height, width, channels, multiplier]: outputs of a channel lie side by side. */
export function addDepthwiseKernel(builder: GraphBuilder, weight: string): string {
  const [height, width, channels, multiplier] = kernelShape(builder, weight);
  const shape = [channels * multiplier, 1, height, width];
  return builder.addWeight(weight, { axes: [2, 3, 0, 1], shape });
}

/**
 * Add a weight of one number, or one a channel, shaped to meet a tensor.
 *
 * @param rank Count of the tensor's axes.
 * @param owner The layer or weight, for the error.
 * @throws {NotTranslated} if it holds a number for each place.
 */
export function addChannelWeight(
  builder: GraphBuilder,
  weight: string,
  rank: number,
  owner: string,
): string {
  const shape = builder.shapeOf(weight);
  // A number without axes counts as one channel.
  const channels = shape.at(-1) ?? 1;
  if (shape.slice(0, -1).some((extent) => extent !== 1)) {
    throw new NotTranslated(`${owner} for each place`);
  }
  return builder.addWeight(weight, { shape: rank === 4 ? [channels, 1, 1] : [channels] });
}
