import { at } from '@umbra/shared/assert';
import { invalidInput } from '@umbra/shared/errors';
import type { Graph, GraphNode } from '../graph/graph.js';

/**
 * Find the layer that tells what a network sees: the input of its last product with weights (`Gemm`,
 * `MatMul` or `Conv`), which computes the scores. Nodes that only arrange numbers are passed, so that a
 * map before a `Flatten` is found as a map. Where that product reads the picture itself, it is the
 * product.
 *
 * @throws {AppError} `invalid_input` if the network has no such product.
 */
export function featureLayer({ nodes }: Graph): GraphNode {
  const product = nodes.findLast(
    ({ kind, parameters }) => ['dense', 'convolution'].includes(kind) && parameters > 0,
  );
  if (product === undefined) {
    throw invalidInput(
      'Expected a network with a product that has weights (Gemm, MatMul, Conv), whose input are its features; name a layer',
    );
  }
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  let layer = makers.get(at(product.inputs, 0));
  while (layer?.kind === 'reshaping') layer = makers.get(at(layer.inputs, 0));
  return layer ?? product;
}

/**
 * The axis of a layer's output that channels lie on: the one beside the rows and columns of a map; the
 * last of tokens, [1, tokens, channels], and of a vector.
 *
 * @throws {AppError} `invalid_input` if its extents are not known, or are of something else.
 */
export function channelAxisOf({ shapes, axes }: Graph, { name, outputs }: GraphNode): number {
  const output = at(outputs, 0);
  const shape = shapes.get(output);
  const rank = shape?.length ?? 0;
  if (rank === 2 || rank === 3) return rank - 1;
  if (rank === 4) {
    const { y, x } = axes.get(output) ?? { y: 2, x: 3 };
    return [1, 2, 3].find((axis) => axis !== y && axis !== x) ?? 1;
  }
  throw invalidInput(
    `Expected a layer that gives a vector, tokens or maps, [1, ...] of 2 to 4 axes; '${name}' gives ${shape == null ? 'what is not known' : `[${shape.join(', ')}]`}`,
  );
}
