import { integrity } from '@umbra/shared/errors';
import {
  type AttributeProto,
  externalLocation,
  type NodeProto,
  type TensorProto,
} from './onnx-proto.js';
import { type SkimmedModel, type SkimmedTensor, skimOnnx } from './skim-onnx.js';

/** Where a weight's bytes lie. */
export type WeightFile = {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
};

export type Weight = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dataType: number;
  /** In a file beside the model, or in the model itself; null if `proto` holds the numbers. */
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
  const { graph } = model;
  const weights = new Map<string, Weight>();
  for (const tensor of initializers) {
    const weight = locate(tensor, fileName);
    weights.set(weight.name, weight);
  }
  return {
    irVersion: model.irVersion ?? 8,
    opset: (model.opsetImport ?? []).map(({ domain = '', version = 1 }) => ({ domain, version })),
    inputs: (graph?.input ?? [])
      .filter(({ name }) => !weights.has(name))
      .map(({ name, type }) => ({
        name,
        shape: (type?.tensorType?.shape?.dim ?? []).map(({ dimValue }) => dimValue || null),
      })),
    outputs: (graph?.output ?? []).map(({ name }) => name),
    nodes: graph?.node ?? [],
    weights,
  };
}

async function skim(path: string, fileName: string): Promise<SkimmedModel> {
  try {
    return await skimOnnx(path);
  } catch (error) {
    throw integrity(`Expected '${fileName}' to be an ONNX model: ${messageOf(error)}`, error);
  }
}

function locate({ proto, raw }: SkimmedTensor, fileName: string): Weight {
  const { name = '', dims = [], dataType = 0 } = proto;
  const described = { name, shape: dims, dataType, proto };
  if (proto.dataLocation === externalLocation) {
    const entries = new Map((proto.externalData ?? []).map(({ key, value }) => [key, value]));
    const file = {
      path: entries.get('location') ?? '',
      offset: Number(entries.get('offset') ?? 0),
      bytes: Number(entries.get('length') ?? 0),
    };
    return { ...described, file };
  }
  return { ...described, file: raw === null ? null : { path: fileName, ...raw } };
}

/** Whole numbers of a small constant, such as a shape; null if it is not one. */
export function wholeNumbers(tensor: TensorProto | undefined): readonly number[] | null {
  if (tensor?.int64Data?.length) return tensor.int64Data;
  if (tensor?.int32Data?.length) return tensor.int32Data;
  if (tensor?.rawData === undefined || tensor.dataType !== 7) return null;
  const bytes = Buffer.from(tensor.rawData);
  return Array.from({ length: bytes.length / 8 }, (__, at) => Number(bytes.readBigInt64LE(at * 8)));
}

/** An attribute by name. */
export const attributeOf = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute?.find((attribute) => attribute.name === name);

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
