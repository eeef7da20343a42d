import { hasSubgraph, type OnnxModel, type Weight } from './onnx-model.js';
import { externalLocation, type NodeProto, type TensorProto } from './onnx-proto.js';
import type { DeclaredOutput } from './scores-output.js';

/** The nodes that some tensors are computed by, in order, and the weights that they need. */
export function ancestorsOf(
  model: OnnxModel,
  wanted: readonly string[],
): { readonly nodes: NodeProto[]; readonly weights: Weight[] } {
  const names = new Set(wanted);
  const nodes: NodeProto[] = [];
  for (const node of [...model.nodes].reverse()) {
    if (!node.output.some((name) => names.has(name))) continue;
    nodes.unshift(node);
    for (const name of node.input) names.add(name);
  }
  const weights = [...names].map((name) => model.weights.get(name));
  return { nodes, weights: weights.filter((weight) => weight !== undefined) };
}

/**
 * A model that gives one of its outputs alone, without what exporters left behind. Where a branch or
 * loop may read tensors that it does not list, all nodes are kept.
 */
export function keepOutput(model: OnnxModel, output: DeclaredOutput): OnnxModel {
  const nodes = model.nodes.some(hasSubgraph)
    ? model.nodes
    : ancestorsOf(model, [output.name]).nodes;
  return { ...model, outputs: [output], nodes };
}

/** A tensor that refers to a weight in the bundle's files: see `externalFolder`. */
export function referTo({ name, shape, dataType, file, proto }: Weight): TensorProto {
  if (file === null) return proto;
  const entries = { location: file.path, offset: String(file.offset), length: String(file.bytes) };
  return {
    name,
    dims: [...shape],
    dataType,
    dataLocation: externalLocation,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  };
}
