import { at, mustGet } from '@umbra/shared/assert';
import { isLocal } from '../../graph/changed-region.js';
import type { OnnxGraph } from '../../graph/from-onnx.js';
import type { GraphNode } from '../../graph/graph.js';
import { hasSubgraph, type OnnxModel } from '../../graph/onnx-model.js';
import { onnxType } from '../../graph/onnx-proto.js';
import type { IncrementalStop } from '../../types.js';
import { canGive, forOneImage } from './folded.js';
import { givesFloats, isRounding } from './number-types.js';

/** Runtimes of this opset and later take the operations that segments are written with. */
const minOpset = 11;

/** Whether a node may be run on windows, which are float32. */
export const runsOnWindows = (graph: OnnxGraph, node: GraphNode): boolean =>
  isLocal(graph, node) && givesFloats(graph, node);

/**
 * Find what keeps a network from being run on windows any further.
 *
 * @returns null where nothing does.
 */
export function findStop(model: OnnxModel, graph: OnnxGraph): IncrementalStop | null {
  const whole = wholeFile(model, graph);
  if (whole !== null) return { reason: whole, node: null, macsBefore: 0 };
  const index = graph.nodes.findIndex((node) => !runsOnWindows(graph, node));
  if (index < 0) return null;
  const { name, op } = at(graph.nodes, index);
  const macs = graph.nodes.map((node) => node.macs);
  const sum = (counts: readonly (number | null)[]): number =>
    counts.reduce<number>((total, count) => total + (count ?? Number.NaN), 0);
  const share = sum(macs.slice(0, index)) / sum(macs);
  return {
    reason: reasonOf(graph, graph.nodes.slice(index)),
    node: { name, op },
    macsBefore: Number.isFinite(share) ? share : null,
  };
}

/** Why no part of a file can be run on windows; null where some may. */
function wholeFile(model: OnnxModel, graph: OnnxGraph): IncrementalStop['reason'] | null {
  const opset = model.opset.find(({ domain }) => domain === '')?.version ?? 0;
  if (opset < minOpset) return 'old opset';
  if (model.nodes.some(hasSubgraph)) return 'branches';
  // Windows are float32.
  if (model.inputs[0]?.type !== onnxType.float) return 'number type';
  if (graph.nodes.some((node) => isRounding(graph, node))) return 'rounding';
  return canGiveExtents(graph) ? null : 'extents';
}

/** Whether all that is computed from extents can be given to windows, and to the rest for one image. */
const canGiveExtents = (graph: OnnxGraph): boolean =>
  [...forOneImage(graph.folded).values()].every(canGive) &&
  graph.nodes
    .filter((node) => isLocal(graph, node) && !resized.has(node.op))
    .flatMap((node) => mustGet(graph.source, node).input)
    .every((name) => canGive(graph.folded.get(name) ?? none));

/** Operations whose extents are those of each window. */
const resized = new Set(['Reshape', 'Expand']);
const none = { shape: [], values: [], type: onnxType.int64, perImage: [] };

const averages = new Set(['GlobalAveragePool', 'GlobalMaxPool', 'ReduceMean', 'ReduceSum']);
const mapNormalizations = new Set(['InstanceNormalization', 'GroupNormalization']);
const attentions = new Set([
  'Attention',
  'MultiHeadAttention',
  'GroupQueryAttention',
  'QAttention',
]);

/** @param rest The node that stops, and all after it. */
function reasonOf(graph: OnnxGraph, rest: readonly GraphNode[]): IncrementalStop['reason'] {
  const node = at(rest, 0);
  if (isLocal(graph, node)) return 'other numbers';
  if (node.reach.kind === 'unknown') return 'unknown operation';
  if (mapNormalizations.has(node.op)) return 'normalization';
  // A map of which every place is scaled by numbers of the whole map.
  const scales = (one: GraphNode): boolean =>
    one.op === 'Mul' && one.reach.kind === 'global' && graph.axes.has(at(one.outputs, 0));
  if (averages.has(node.op) && rest.some(scales)) return 'squeeze-and-excitation';
  const isAttention = ({ op, inputs }: GraphNode): boolean =>
    attentions.has(op) || (op === 'MatMul' && inputs.length > 1);
  if (!averages.has(node.op) && rest.some(isAttention)) return 'attention';
  return rest.some(({ op }) => op === 'Conv') ? 'whole maps' : 'head';
}
