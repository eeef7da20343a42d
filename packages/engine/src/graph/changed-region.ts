import { at } from '@umbra/shared/assert';
import type { Graph, GraphNode } from './graph.js';
import { type AxisWindow, outputRange, type Range, unionOf } from './window.js';

export type Axis = 'y' | 'x';

/**
 * The extent of a feature map along an axis, in its own units.
 *
 * @throws {RangeError} If the tensor is no feature map.
 */
export function extentOf(graph: Graph, tensor: string, axis: Axis): number {
  const shape = graph.shapes.get(tensor);
  const axes = graph.axes.get(tensor);
  if (shape == null || axes === undefined) {
    throw new RangeError(`Expected tensor '${tensor}' to be a feature map`);
  }
  return at(shape, axes[axis]);
}

/** The window of a node along an axis; null for a pointwise node, which reads one input. */
export const windowOf = ({ reach }: GraphNode, axis: Axis): AxisWindow | null =>
  reach.kind === 'window' ? reach[axis] : null;

/** Whether a node maps feature maps to feature maps, each output reading a bounded region. */
export const isLocal = (graph: Graph, node: GraphNode): boolean =>
  (node.reach.kind === 'window' || node.reach.kind === 'pointwise') &&
  node.inputs.length > 0 &&
  [...node.inputs, ...node.outputs].every((name) => graph.axes.has(name));

const movers = new Set([
  'Gather',
  'Reshape',
  'Slice',
  'Split',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);

/**
 * Whether a local node only arranges the numbers of each place anew. What reads its result makes it
 * anew from what it reads, so that it is never kept: a shuffle of channels, or a turn to channels last.
 */
export const isView = (graph: Graph, node: GraphNode): boolean =>
  movers.has(node.op) && node.reach.kind === 'pointwise' && isLocal(graph, node);

/**
 * The part of each feature map that a changed part of the input can alter, along one axis.
 *
 * It is the receptive field run forwards. Never empty: where nothing changes, one place stands for
 * it, so that a batch needs no special case.
 *
 * @param nodes Local nodes, in order.
 * @param input Changed rows (or columns) of the network's input, not empty.
 */
export function changedRanges(
  graph: Graph,
  nodes: readonly GraphNode[],
  axis: Axis,
  input: Range,
): ReadonlyMap<string, Range> {
  const changed = new Map([[graph.input, input]]);
  for (const node of nodes) {
    const ranges = node.inputs
      .map((name) => changed.get(name))
      .filter((range) => range !== undefined);
    const [first, ...others] = ranges;
    if (first === undefined) continue;
    const union = others.reduce(unionOf, first);
    const window = windowOf(node, axis);
    for (const output of node.outputs) {
      const extent = extentOf(graph, output, axis);
      changed.set(
        output,
        window === null ? union : atLeastOne(outputRange(window, union, extent), extent),
      );
    }
  }
  return changed;
}

function atLeastOne({ start, end }: Range, extent: number): Range {
  if (end > start) return { start, end };
  const place = Math.min(start, extent - 1);
  return { start: place, end: place + 1 };
}
