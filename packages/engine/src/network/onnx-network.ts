import { at, mustGet } from '@umbra/shared/assert';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { OnnxGraph } from '../graph/from-onnx.js';
import type { GraphNode } from '../graph/graph.js';
import { inferGraph, type RunShapeProbe } from '../graph/infer-graph.js';
import {
  imageInput,
  integerAttribute,
  type ModelPort,
  type OnnxModel,
} from '../graph/onnx-model.js';
import { ancestorsOf, referTo } from '../graph/onnx-parts.js';
import { encodeModel } from '../graph/onnx-proto.js';
import { tensorShape } from '../image/pixel-format.js';
import { readScoresModel } from '../models/read-onnx-model.js';
import { findWeight, readWeight } from './onnx-weights.js';
import type { Kernels, Network, NetworkPart } from './types.js';

/** A model whose network is looked into, and its files. */
type OpenFile = {
  readonly folder: string;
  readonly bundle: ModelBundle;
  readonly model: OnnxModel;
  readonly graph: OnnxGraph;
  readonly size: Size;
};

/** Open an ONNX file; weights stay in it until they are asked for. */
export async function openOnnxNetwork(
  { folder, bundle }: Pick<OpenFile, 'folder' | 'bundle'>,
  size: Size,
  runProbe: RunShapeProbe,
): Promise<Omit<Network, 'upTo' | 'close'>> {
  const model = await readScoresModel(folder, bundle);
  const graph = await inferGraph(model, size, bundle.input, runProbe);
  const file = { folder, bundle, model, graph, size };
  return {
    graph,
    size,
    kernels: async (layer) => kernelsOf(file, layer),
    part: (layer) => partOf(file, layer),
  };
}

function kernelsOf(file: OpenFile, layer: GraphNode): Kernels {
  if (layer.op !== 'Conv') {
    throw invalidInput(
      `Expected a convolution, whose weights can be seen; layer '${layer.name}' is ${layer.op} (${layer.kind})`,
    );
  }
  const node = mustGet(file.graph.source, layer);
  const [, name] = node.input;
  const weight = name === undefined ? null : findWeight(file.model, name);
  // A one-dimensional kernel is shown as a row.
  const [kernels, depth, height, width = 1, ...more] = weight === null ? [] : weight.shape;
  if (
    weight === null ||
    kernels === undefined ||
    depth === undefined ||
    height === undefined ||
    more.length > 0
  ) {
    throw invalidInput(
      `Expected layer '${layer.name}' to have weights of its own, [kernels, depth, height, width] in floating point`,
    );
  }
  const length = depth * height * width;
  return {
    kernels,
    depth,
    height,
    width,
    groups: integerAttribute(node, 'group', 1),
    read: (start, end) => readWeight(file, weight, { start: start * length, end: end * length }),
  };
}

function partOf({ folder, bundle, model, size }: OpenFile, layer: GraphNode): NetworkPart {
  const output = at(layer.outputs, 0);
  const input = imageInput(model);
  const shape = tensorShape(bundle.input, 1, size);
  const bytes = encodePart(model, { input, shape, output });
  const { name } = layer;
  return {
    model: bundle.name,
    layer: name,
    bytes,
    folder,
    input,
    shape,
    output,
    interleaved: null,
  };
}

/** The part of a model that computes one tensor, as a model of its own. */
function encodePart(
  model: OnnxModel,
  { input, shape, output }: { input: string; shape: readonly number[]; output: string },
): Uint8Array {
  const { nodes, weights } = ancestorsOf(model, [output]);
  return encodeModel({
    irVersion: model.irVersion,
    opsetImport: model.opset.map((one) => ({ ...one })),
    graph: {
      name: 'part',
      node: nodes,
      initializer: weights.map(referTo),
      input: [{ name: input, type: tensorType(at(model.inputs, 0), shape) }],
      // Its type is the runtime's to infer.
      output: [{ name: output }],
    },
  });
}

const tensorType = ({ type }: ModelPort, shape: readonly number[]) => ({
  tensorType: {
    elemType: type,
    shape: { dim: shape.map((dimValue) => ({ dimValue })) },
  },
});
