import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { sessionOptions } from '../backends/onnxruntime.js';
import { graphFromOnnx, type OnnxGraph } from '../graph/from-onnx.js';
import type { GraphNode } from '../graph/graph.js';
import { type OnnxModel, readOnnxModel } from '../graph/onnx-model.js';
import { ancestorsOf, externalFolder, referTo } from '../graph/onnx-parts.js';
import { encodeModel, onnxType } from '../graph/onnx-proto.js';
import type { Kernels, Network } from './network.js';
import { findWeight, readWeight } from './onnx-weights.js';

/** Open an ONNX file; weights stay in it until they are asked for. */
export async function openOnnxNetwork(
  folder: string,
  bundle: ModelBundle,
  size: Size,
): Promise<Omit<Network, 'close'>> {
  const model = await readOnnxModel(join(folder, bundle.model), bundle.model);
  const graph = graphFromOnnx(model, size, bundle.input.layout);
  return {
    graph,
    size,
    kernels: async (layer) => kernelsOf(folder, bundle, model, graph, layer),
    upTo: (layer) => openUpTo(folder, bundle, model, size, layer),
  };
}

function kernelsOf(
  folder: string,
  bundle: ModelBundle,
  model: OnnxModel,
  graph: OnnxGraph,
  layer: GraphNode,
): Kernels {
  if (layer.op !== 'Conv') {
    throw invalidInput(
      `Expected a convolution, whose weights can be seen; layer '${layer.name}' is ${layer.op} (${layer.kind})`,
    );
  }
  const name = graph.source.get(layer)?.input?.[1] ?? '';
  const weight = findWeight(model, name);
  const [kernels = 0, depth = 0, height = 0, width = 1, ...more] = weight?.shape ?? [];
  if (weight === null || more.length > 0) {
    throw invalidInput(
      `Expected layer '${layer.name}' to have weights of its own, [kernels, depth, height, width] in floating point`,
    );
  }
  const length = depth * height * width;
  return {
    ...{ kernels, depth, height, width },
    groups: layer.groups ?? 1,
    read: (start, end) => readWeight(folder, bundle, weight, start * length, end * length),
  };
}

async function openUpTo(
  folder: string,
  { input: { layout }, name }: ModelBundle,
  model: OnnxModel,
  { height, width }: Size,
  layer: GraphNode,
) {
  const [output = ''] = layer.outputs;
  const input = model.inputs[0]?.name ?? '';
  const shape = layout === 'NCHW' ? [1, 3, height, width] : [1, height, width, 3];
  const { nodes, weights } = ancestorsOf(model, [output]);
  const bytes = encodeModel({
    irVersion: model.irVersion,
    opsetImport: model.opset.map((one) => ({ ...one })),
    graph: {
      name: 'part',
      node: nodes,
      initializer: weights.map(referTo),
      input: [{ name: input, type: floatType(shape) }],
      output: [{ name: output, type: { tensorType: { elemType: onnxType.float } } }],
    },
  });
  const session = await InferenceSession.create(bytes, {
    ...sessionOptions({ provider: 'cpu', sessionThreads: 1 }),
    extra: { session: externalFolder(folder) },
  }).catch((error: unknown) => {
    throw invalidInput(`Model '${name}' cannot be run up to layer '${layer.name}'`, error);
  });
  return {
    async run(image: Float32Array) {
      const found = (await session.run({ [input]: new Tensor('float32', image, shape) }))[output];
      if (found?.data instanceof Float32Array) return { shape: found.dims, data: found.data };
      throw invalidInput(`Expected layer '${layer.name}' to give float32, got ${found?.type}`);
    },
    close: () => session.release(),
  };
}

const floatType = (shape: readonly number[]) => ({
  tensorType: {
    elemType: onnxType.float,
    shape: { dim: shape.map((dimValue) => ({ dimValue })) },
  },
});
