import type { Network, Node } from './tiny-onnx.js';

const layers = 6;
const channels = 32;

/**
 * A network without structure whose maps are large, and whose images take long: convolutions of 32
 * channels, all at the input's extent, and one dense layer.
 */
export function slowNetwork(classes = 4): Network {
  const nodes: Node[] = [];
  const weights: Network['weights'][number][] = [];
  const weight = (name: string, shape: readonly number[], scale: number) => {
    const length = shape.reduce((a, b) => a * b, 1);
    // Any numbers do that differ from each other and keep the maps' scale.
    const values = Array.from({ length }, (_, at) => scale * Math.sin(at * 12.9898 + shape.length));
    weights.push({ name, shape, values });
    return name;
  };
  let maps = 'input';
  for (let layer = 0; layer < layers; layer++) {
    const before = layer === 0 ? 3 : channels;
    const kernel = weight(`w${layer}`, [channels, before, 3, 3], Math.sqrt(4 / (9 * before)));
    const attributes = [
      { name: 'kernel_shape', ints: [3, 3] },
      { name: 'pads', ints: [1, 1, 1, 1] },
    ];
    nodes.push(
      { op: 'Conv', inputs: [maps, kernel], output: `c${layer}`, attributes },
      { op: 'Relu', inputs: [`c${layer}`], output: `r${layer}` },
    );
    maps = `r${layer}`;
  }
  nodes.push(
    { op: 'GlobalAveragePool', inputs: [maps], output: 'pooled' },
    { op: 'Flatten', inputs: ['pooled'], output: 'flat' },
    { op: 'Gemm', inputs: ['flat', weight('dense', [channels, classes], 1)], output: 'logits' },
  );
  return {
    nodes,
    weights,
    input: { name: 'input', shape: ['N', 3, 'H', 'W'] },
    output: { name: 'logits', shape: ['N', classes] },
  };
}
