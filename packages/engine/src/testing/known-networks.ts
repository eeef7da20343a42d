import type { Network, Node, Weight } from './tiny-onnx.js';

/** A layer of a chain: a convolution or max pooling with its kernel, stride, padding and dilation. */
export type ChainLayer =
  | { readonly op: 'conv'; readonly channels: number; readonly window: Window }
  | { readonly op: 'pool'; readonly window: Window }
  | { readonly op: 'relu' };
type Window = readonly [kernel: number, stride: number, pad: number, dilation?: number];

const conv = (channels: number, ...window: Window): ChainLayer => ({
  op: 'conv',
  channels,
  window,
});
const pool = (...window: Window): ChainLayer => ({ op: 'pool', window });
const relu: ChainLayer = { op: 'relu' };

/** `features` of torchvision's AlexNet. */
export const alexNetFeatures: readonly ChainLayer[] = [
  conv(64, 11, 4, 2),
  relu,
  pool(3, 2, 0),
  conv(192, 5, 1, 2),
  relu,
  pool(3, 2, 0),
  conv(384, 3, 1, 1),
  relu,
  conv(256, 3, 1, 1),
  relu,
  conv(256, 3, 1, 1),
  relu,
  pool(3, 2, 0),
];

/** `features` of torchvision's VGG16, with few channels. */
export const vgg16Features: readonly ChainLayer[] = [2, 2, 3, 3, 3].flatMap((depth) => [
  ...Array.from({ length: depth }, () => [conv(2, 3, 1, 1), relu]).flat(),
  pool(2, 2, 0),
]);

/** Three convolutions whose dilation doubles. */
export const dilatedFeatures: readonly ChainLayer[] = [1, 2, 4].flatMap((dilation) => [
  conv(2, 3, 1, dilation, dilation),
  relu,
]);

/**
 * Numbers in [-0.5, 0.5) that depend on their index alone: other languages make the same.
 *
 * @see test/golden/filters/make.py
 */
export function hashedUniform(index: number): number {
  let bits = index | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32 - 0.5;
}

/** Weights of a layer start at a multiple of this index. */
export const weightsApart = 10_000_000;

type ChainBuilder = {
  readonly nodes: Node[];
  readonly weights: Weight[];
  channels: number;
  tensor: string;
};
type WeightAt = (index: number) => number;

/**
 * A classifier of five classes whose features are a chain.
 *
 * @param weightAt Weight by its index in all weights: see `weightsApart`.
 */
export function chainNetwork(
  layers: readonly ChainLayer[],
  weightAt: WeightAt = hashedUniform,
): Network {
  const builder: ChainBuilder = { nodes: [], weights: [], channels: 3, tensor: 'input' };
  for (const [at, layer] of layers.entries()) add(builder, layer, at, weightAt);
  return finish(builder);
}

/** ResNet18 of torchvision, with few channels. */
export function resNet18(weightAt: WeightAt): Network {
  const builder: ChainBuilder = { nodes: [], weights: [], channels: 3, tensor: 'input' };
  let at = 0;
  const next = (layer: ChainLayer) => add(builder, layer, at++, weightAt);
  for (const layer of [conv(2, 7, 2, 3), relu, pool(3, 2, 1)]) next(layer);
  for (const [stage, stride] of [1, 2, 2, 2].entries()) {
    for (const step of [stride, 1]) {
      const identity = builder.tensor;
      for (const layer of [conv(2, 3, step, 1), relu, conv(2, 3, 1, 1)]) next(layer);
      const main = builder.tensor;
      let shortcut = identity;
      if (step === 2) {
        builder.tensor = identity;
        next(conv(2, 1, 2, 0));
        shortcut = builder.tensor;
      }
      builder.tensor = `stage${stage}-${at}`;
      builder.nodes.push({ op: 'Add', inputs: [main, shortcut], output: builder.tensor });
      next(relu);
    }
  }
  return finish(builder);
}

function add(builder: ChainBuilder, layer: ChainLayer, at: number, weightAt: WeightAt): void {
  const [input, output] = [builder.tensor, `t${at}`];
  builder.tensor = output;
  if (layer.op === 'relu') {
    builder.nodes.push({ op: 'Relu', inputs: [input], output });
    return;
  }
  const [kernel, stride, pad, dilation = 1] = layer.window;
  const attributes = [
    { name: 'kernel_shape', ints: [kernel, kernel] },
    { name: 'strides', ints: [stride, stride] },
    { name: 'pads', ints: [pad, pad, pad, pad] },
    { name: 'dilations', ints: [dilation, dilation] },
  ];
  if (layer.op === 'pool') {
    builder.nodes.push({ op: 'MaxPool', inputs: [input], output, attributes });
    return;
  }
  const shape = [layer.channels, builder.channels, kernel, kernel];
  const length = shape.reduce((product, extent) => product * extent, 1);
  const values = Array.from({ length }, (_, index) => weightAt(at * weightsApart + index));
  builder.weights.push({ name: `w${at}`, shape, values });
  builder.nodes.push({ op: 'Conv', inputs: [input, `w${at}`], output, attributes });
  builder.channels = layer.channels;
}

function finish({ nodes, weights, channels, tensor }: ChainBuilder): Network {
  const classes = 5;
  const values = Array.from({ length: channels * classes }, (_, index) => hashedUniform(index));
  return {
    nodes: [
      ...nodes,
      { op: 'GlobalAveragePool', inputs: [tensor], output: 'pooled' },
      { op: 'Flatten', inputs: ['pooled'], output: 'flat' },
      { op: 'Gemm', inputs: ['flat', 'dense'], output: 'logits' },
    ],
    weights: [...weights, { name: 'dense', shape: [channels, classes], values }],
    input: { name: 'input', shape: ['N', 3, 'H', 'W'] },
    output: { name: 'logits', shape: ['N', classes] },
  };
}
