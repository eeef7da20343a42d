import { integrity } from '@umbra/shared/errors';
import {
  type AttributeProto,
  externalData,
  isExternal,
  type NodeProto,
  onnxType,
  type TensorProto,
  type ValueProto,
} from './onnx-proto.js';
import { type SkimmedModel, type SkimmedTensor, skimOnnx } from './skim-onnx.js';

/** The stretch of a file that holds a weight's bytes. */
export type WeightFile = {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
};

/** A constant of a network: a trained weight, or a number that shapes the graph. */
export type Weight = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dataType: number;
  /** Stretch of the model or of a file beside it; null if `proto` holds the numbers. */
  readonly file: WeightFile | null;
  /** The weight without the bytes that `file` locates. */
  readonly proto: TensorProto;
};

/** An ONNX file, decoded, with the weights left where they are. */
export type OnnxModel = {
  readonly irVersion: number;
  readonly opset: readonly { readonly domain: string; readonly version: number }[];
  readonly inputs: readonly { readonly name: string; readonly shape: readonly (number | null)[] }[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeProto[];
  readonly weights: ReadonlyMap<string, Weight>;
};

/**
 * Decode an ONNX file; weights are located rather than kept, so that memory stays small.
 *
 * @param fileName The model's name in its folder, for `WeightFile.path`.
 * @throws {AppError} `integrity` if the file is not an ONNX model.
 */
export async function readOnnxModel(path: string, fileName: string): Promise<OnnxModel> {
  const { model, initializers } = await skim(path, fileName);
  const { graph, irVersion = oldestIrVersion } = model;
  const weights = new Map<string, Weight>();
  for (const tensor of initializers) {
    const weight = locate(tensor, fileName);
    weights.set(weight.name, weight);
  }
  return {
    irVersion,
    opset: model.opsetImport.map(({ domain = '', version = 1 }) => ({ domain, version })),
    inputs: graph.input
      .filter(({ name }) => !weights.has(name))
      .map((input) => ({ name: input.name, shape: declaredShape(input) })),
    outputs: graph.output.map(({ name }) => name),
    nodes: graph.node,
    weights,
  };
}

/** Version of the format that a file without one is read as. */
const oldestIrVersion = 8;

/** Extents that a file declares, null for an open one; none where it declares no shape. */
const declaredShape = ({ type }: ValueProto): readonly (number | null)[] =>
  (type?.tensorType?.shape?.dim ?? []).map(({ dimValue }) => dimValue || null);

/**
 * The name of the image among a model's inputs, which is the first that is no weight.
 *
 * @throws {AppError} `integrity` if the model reads nothing.
 */
export function imageInput({ inputs: [image] }: OnnxModel): string {
  if (image === undefined) throw integrity('Expected an ONNX model with an input, got none');
  return image.name;
}

async function skim(path: string, fileName: string): Promise<SkimmedModel> {
  try {
    return await skimOnnx(path);
  } catch (error) {
    throw integrity(`Expected '${fileName}' to be an ONNX model: ${messageOf(error)}`, error);
  }
}

function locate({ proto, raw }: SkimmedTensor, fileName: string): Weight {
  const { name = '' } = proto;
  const weight = inlineWeight(name, proto);
  if (isExternal(proto)) return { ...weight, file: externalData(proto) };
  return { ...weight, file: raw === null ? null : { path: fileName, ...raw } };
}

/** A weight whose numbers `proto` holds. */
export function inlineWeight(name: string, proto: TensorProto): Weight {
  const { dims, dataType = onnxType.undefined } = proto;
  return { name, shape: dims, dataType, file: null, proto };
}

/** Integers of a small constant, such as a shape; null if it is not one. */
export function integersIn(tensor: TensorProto | undefined): readonly number[] | null {
  if (tensor?.int64Data?.length) return tensor.int64Data;
  if (tensor?.int32Data?.length) return tensor.int32Data;
  if (tensor?.rawData === undefined || tensor.dataType !== onnxType.int64) return null;
  const bytes = Buffer.from(tensor.rawData);
  return Array.from({ length: bytes.length / 8 }, (__, at) => Number(bytes.readBigInt64LE(at * 8)));
}

/** An attribute by name; undefined where the node leaves it to the operator's default. */
export const attributeOf = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute?.find((attribute) => attribute.name === name);

/** An integer attribute, or the operator's default where the node leaves it out. */
export const integerAttribute = (node: NodeProto, name: string, byDefault: number): number =>
  attributeOf(node, name)?.i ?? byDefault;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
