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
