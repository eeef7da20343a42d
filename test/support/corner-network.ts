import { encodeOnnx } from '@umbra/engine/testing';

/**
 * A network of two classes that looks at the first corner of its input alone: the first class where that is
 * bright, the second where it is not.
 *
 * @param side Of the corner, px; the input has twice that at least.
 */
export function cornerNetwork(side: number): Buffer {
  const area = 3 * side * side;
  return encodeOnnx({
    nodes: [
      {
        ...{ op: 'Conv', inputs: ['input', 'corner'], output: 'brightness' },
        attributes: [
          { name: 'kernel_shape', ints: [side, side] },
          // Beyond the input: there is one place.
          { name: 'strides', ints: [10_000, 10_000] },
        ],
      },
      { op: 'Relu', inputs: ['brightness'], output: 'seen' },
      { op: 'Flatten', inputs: ['seen'], output: 'flat' },
      { op: 'Gemm', inputs: ['flat', 'head', 'bias'], output: 'logits' },
    ],
    weights: [
      // The second channel sees whatever is dark.
      {
        ...{ name: 'corner', shape: [2, 3, side, side] },
        values: Array.from({ length: 2 * area }, (_, at) => (at < area ? 1 : -1) / area),
      },
      { name: 'head', shape: [2, 2], values: [4, 0, 0, 0] },
      { name: 'bias', shape: [2], values: [-3, 0] },
    ],
    input: { name: 'input', shape: ['N', 3, 'H', 'W'] },
    output: { name: 'logits', shape: ['N', 2] },
  });
}
