import { at } from '@umbra/shared/assert';
import type { Size } from '@umbra/shared/occlusion/grid';
import { type PixelFormat, tensorShape } from '../image/pixel-format.js';
import { graphFromOnnx, type OnnxGraph } from './from-onnx.js';
import type { TensorShape } from './graph.js';
import { imageInput, type OnnxModel } from './onnx-model.js';
import { ancestorsOf, referTo } from './onnx-parts.js';
import { encodeModel, onnxType } from './onnx-proto.js';

/** A model that gives shapes of a network's tensors and nothing else, to be run once. */
export type ShapeProbe = {
  /** An ONNX file; its weights are referred to where they lie in the bundle's files. */
  readonly bytes: Uint8Array;
  readonly input: string;
  /** Shape of the input. */
  readonly inputShape: TensorShape;
  /** Tensors whose shapes the outputs are, in order. */
  readonly tensors: readonly string[];
};

/** Runs a probe. @returns Shapes by tensor; none where the runtime cannot run it. */
export type RunShapeProbe = (probe: ShapeProbe) => Promise<ReadonlyMap<string, TensorShape>>;

/**
 * Describe an ONNX network for one extent of its input, with every shape: where rules do not reach,
 * the network is run for the shapes alone, on one image and on two.
 *
 * @throws {AppError} As `graphFromOnnx`.
 */
export async function inferGraph(
  model: OnnxModel,
  input: Size,
  { layout, channels }: PixelFormat,
  runProbe: RunShapeProbe,
): Promise<OnnxGraph> {
  const graph = graphFromOnnx(model, input, { layout, channels });
  const tensors = graph.nodes
    .flatMap(({ outputs }) => outputs)
    .filter((name) => name !== '' && graph.shapes.get(name) === null);
  if (tensors.length === 0) return graph;
  const probeFor = (images: number) =>
    runProbe(encodeProbe(model, tensors, tensorShape({ layout, channels }, images, input)));
  const known = await probeFor(1);
  const knownOfTwo = known.size === 0 ? known : await probeFor(2);
  return graphFromOnnx(model, input, { layout, channels, known, knownOfTwo });
}

/** Shapes are the outputs, and not the tensors, so that the runtime keeps no more than in any run. */
export function encodeProbe(
  model: OnnxModel,
  tensors: readonly string[],
  inputShape: TensorShape,
): ShapeProbe {
  const { nodes, weights } = ancestorsOf(model, tensors);
  const input = imageInput(model);
  const dim = inputShape.map((dimValue) => ({ dimValue }));
  const bytes = encodeModel({
    irVersion: model.irVersion,
    opsetImport: model.opset.map((one) => ({ ...one })),
    graph: {
      name: 'shapes',
      node: [
        ...nodes,
        ...tensors.map((name) => ({ opType: 'Shape', input: [name], output: [shapeName(name)] })),
      ],
      initializer: weights.map(referTo),
      input: [
        {
          name: input,
          type: { tensorType: { elemType: at(model.inputs, 0).type, shape: { dim } } },
        },
      ],
      output: tensors.map((name) => ({
        name: shapeName(name),
        type: { tensorType: { elemType: onnxType.int64 } },
      })),
    },
  });
  return { bytes, input, inputShape, tensors };
}

/** Name of the probe's output for a tensor. */
export const shapeName = (tensor: string): string => `umbra:shape:${tensor}`;
