import type { Box } from '@umbra/shared/occlusion/grid';
import type { Network } from './tiny-onnx.js';

/**
 * A network without training that looks at one box of its input alone: the logit of class 1 is `gain`
 * times the mean of the box's numbers over all channels, minus half of it; that of class 0 is its
 * opposite. A box of ones is class 1, of zeros class 0, and nothing else matters.
 *
 * @param planted `side` of the square input and `corner`, px.
 */
export function plantedNetwork({
  side,
  corner,
  gain = 8,
}: {
  readonly side: number;
  readonly corner: Box;
  readonly gain?: number;
}): Network {
  const { top, left, bottom, right } = corner;
  const numbers = 3 * (bottom - top) * (right - left);
  const weights: number[] = [];
  for (let number = 0; number < 3 * side * side; number++) {
    const [y, x] = [Math.floor(number / side) % side, number % side];
    const isSeen = y >= top && y < bottom && x >= left && x < right;
    const weight = isSeen ? gain / numbers : 0;
    weights.push(-weight, weight);
  }
  return {
    nodes: [
      { op: 'Flatten', inputs: ['image'], output: 'flat' },
      { op: 'Gemm', inputs: ['flat', 'weights', 'bias'], output: 'logits' },
    ],
    weights: [
      { name: 'weights', shape: [3 * side * side, 2], values: weights },
      { name: 'bias', shape: [2], values: [gain / 2, -gain / 2] },
    ],
    input: { name: 'image', shape: ['N', 3, side, side] },
    output: { name: 'logits', shape: ['N', 2] },
  };
}
