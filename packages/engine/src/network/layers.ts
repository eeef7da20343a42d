import { at } from '@umbra/shared/assert';
import type { Layer } from '@umbra/shared/contracts/layer';
import { notFound } from '@umbra/shared/errors';
import { type Graph, type GraphNode, readersOf } from '../graph/graph.js';
import { receptiveFields } from '../graph/receptive-field.js';

/** Describe every layer of a network, in an order in which they can run. */
export function listLayers(graph: Graph): readonly Layer[] {
  const fields = receptiveFields(graph);
  const features = featuresOf(graph);
  let convolutions = 0;
  return graph.nodes.map((node, index): Layer => {
    const output = at(node.outputs, 0);
    const shape = graph.shapes.get(output);
    return {
      index,
      name: node.name,
      kind: node.kind,
      op: node.op,
      outputShape: shape == null ? null : [...shape],
      ...windowOf(node),
      groups: node.groups,
      filters: node.filters === null ? null : [...node.filters],
      parameters: node.parameters,
      receptiveField: fields.get(output) ?? { kind: 'unknown' },
      convolution: node.kind === 'convolution' ? convolutions++ : null,
      feature: features.get(node) ?? null,
    };
  });
}

function windowOf({ reach }: GraphNode): Pick<Layer, 'kernel' | 'stride' | 'padding' | 'dilation'> {
  if (reach.kind !== 'window') return { kernel: null, stride: null, padding: null, dilation: null };
  const { y, x } = reach;
  return {
    kernel: { y: y.kernel, x: x.kernel },
    stride: { y: y.stride, x: x.stride },
    padding: { top: y.padBegin, left: x.padBegin, bottom: y.padEnd, right: x.padEnd },
    dilation: { y: y.dilation, x: x.dilation },
  };
}

/**
 * Indices in torchvision's `features`, of AlexNet and VGG: an unbranched chain of convolutions,
 * activations and max pooling that holds all convolutions. Empty where an export left layers out,
 * which names that torchvision gave show.
 */
function featuresOf(graph: Graph): ReadonlyMap<GraphNode, number> {
  const readers = readersOf(graph);
  const chain = new Map<GraphNode, number>();
  let tensor = graph.input;
  for (const node of graph.nodes) {
    const [input, ...others] = node.inputs;
    const links = input === tensor && others.length === 0 && readers.get(tensor)?.length === 1;
    if (!links || !['convolution', 'activation', 'pooling'].includes(node.kind)) break;
    // Average pooling ends the features of both.
    if (node.kind === 'pooling' && !/max/i.test(node.op)) break;
    chain.set(node, chain.size);
    tensor = at(node.outputs, 0);
  }
  const whole = graph.nodes.every((node) => node.kind !== 'convolution' || chain.has(node));
  const agrees = [...chain].every(([{ name }, index]) => {
    const named = /features\.(\d+)/.exec(name)?.[1];
    return named === undefined || Number(named) === index;
  });
  return whole && agrees ? chain : new Map();
}

/**
 * Find a layer by its name, its index in the list (`12`), its number among the convolutions
 * (`conv:3`) or in torchvision's features (`features:6`).
 *
 * @throws {AppError} `not_found` with the names and forms that are known.
 */
export function findLayer(graph: Graph, selector: string): { node: GraphNode; layer: Layer } {
  const layers = listLayers(graph);
  const found = layers.find(({ name }) => name === selector) ?? layers.find(selects(selector));
  const node = found && graph.nodes[found.index];
  if (node !== undefined && found !== undefined) return { node, layer: found };
  const some = layers.slice(0, 20).map(({ name }) => name);
  const more = layers.length > 20 ? `, ... (${layers.length} in all)` : '';
  throw notFound(
    `Unknown layer '${selector}'; expected a name, a place in 0-${layers.length - 1}, conv:N${layers.some(({ feature }) => feature !== null) ? ' or features:N' : ''}; known: ${some.join(', ')}${more}`,
  );
}

/** Whether a layer has the number that a selector gives: `12`, `conv:3` or `features:6`. */
function selects(selector: string): (layer: Layer) => boolean {
  const match = /^(conv:|features:|)(\d+)$/.exec(selector);
  if (match === null) return () => false;
  const [, prefix, digits] = match;
  const number = Number(digits);
  switch (prefix) {
    case 'conv:':
      return ({ convolution }) => convolution === number;
    case 'features:':
      return ({ feature }) => feature === number;
    default:
      return ({ index }) => index === number;
  }
}
