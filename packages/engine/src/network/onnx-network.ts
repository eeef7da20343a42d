import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { integrity, invalidInput, type ModelBundle, type Size } from '@umbra/shared';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { sessionOptions } from '../backends/onnxruntime.js';
import { graphFromOnnx, type OnnxGraph } from '../graph/from-onnx.js';
import type { GraphNode } from '../graph/graph.js';
import { attributeOf, type OnnxModel, readOnnxModel, type Weight } from '../graph/onnx-model.js';
import { ancestorsOf, externalFolder, referTo } from '../graph/onnx-parts.js';
import { encodeModel, onnxType, type TensorProto } from '../graph/onnx-proto.js';
import { type Kernels, type Network, notConvolution, type OpenNetwork } from './network.js';

/** Open an ONNX file; weights stay in it until they are asked for. */
export const openOnnxNetwork: OpenNetwork = async (folder, bundle, size) => {
  const model = await readOnnxModel(join(folder, bundle.model), bundle.model);
  const graph = graphFromOnnx(model, size, bundle.input.layout);
  return {
    graph,
    size,
    kernels: async (layer) => kernelsOf(folder, bundle, model, graph, layer),
    upTo: (layer) => openUpTo(folder, bundle, model, size, layer),
  } satisfies Network;
};

function kernelsOf(
  folder: string,
  bundle: ModelBundle,
  model: OnnxModel,
  graph: OnnxGraph,
  layer: GraphNode,
): Kernels {
  if (layer.op !== 'Conv') throw notConvolution(layer);
  const name = graph.source.get(layer)?.input?.[1] ?? '';
  const weight = model.weights.get(name) ?? constantWeight(model, name);
  const [kernels = 0, depth = 0, height = 0, width = 1, ...more] = weight?.shape ?? [];
  if (weight === null || weight.dataType !== onnxType.float || more.length > 0) {
    throw invalidInput(
      `Expected layer '${layer.name}' to hold its weights as float32 [kernels, depth, height, width]`,
    );
  }
  const length = depth * height * width;
  return {
    ...{ kernels, depth, height, width },
    groups: layer.groups ?? 1,
    read: (start, end) => readFloats(folder, bundle, weight, start * length, end * length),
  };
}

/** A weight that a `Constant` node holds instead of the list of initialisers. */
function constantWeight({ nodes }: OnnxModel, name: string): Weight | null {
  const node = nodes.find(({ opType, output }) => opType === 'Constant' && output?.[0] === name);
  const proto = node && attributeOf(node, 'value')?.t;
  if (!proto) return null;
  return { name, shape: proto.dims ?? [], dataType: proto.dataType ?? 0, file: null, proto };
}

/** Numbers `[start, end)` of a weight. @throws {AppError} `integrity` if they are not all there. */
async function readFloats(
  folder: string,
  bundle: ModelBundle,
  { name, file, proto }: Weight,
  start: number,
  end: number,
): Promise<Float32Array> {
  if (file === null) return inlineFloats(proto).slice(start, end);
  if (!bundle.files.some(({ path }) => path === file.path)) {
    throw integrity(
      `Expected '${file.path}', which holds '${name}', in the bundle's list of files`,
    );
  }
  const handle = await open(join(folder, file.path));
  try {
    const bytes = Buffer.alloc((end - start) * 4);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, file.offset + start * 4);
    if (bytesRead === bytes.length) return floatsIn(bytes);
    throw integrity(`Expected '${file.path}' to hold all of '${name}'; it ends early`);
  } finally {
    await handle.close();
  }
}

const inlineFloats = ({ floatData, rawData }: TensorProto): Float32Array =>
  floatData?.length ? Float32Array.from(floatData) : floatsIn(Buffer.from(rawData ?? []));

/** A copy: float32 must start at a multiple of four. */
const floatsIn = (bytes: Buffer): Float32Array =>
  new Float32Array(Uint8Array.from(bytes).buffer, 0, Math.floor(bytes.length / 4));

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
    ...sessionOptions({ provider: 'cpu', threads: 1 }),
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
