import { readFile } from 'node:fs/promises';
import { integrity } from '@umbra/shared';
import {
  type AttributeProto,
  decodeModel,
  externalLocation,
  type NodeProto,
  type TensorProto,
} from './onnx-proto.js';

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

/** Smaller weights stay in memory: the numbers among them shape the graph. */
const inlineBytes = 1024;

/**
 * Decode an ONNX file; weights are located rather than kept, so that memory stays small.
 *
 * @param fileName The model's name in its folder, for `WeightFile.path`.
 * @throws {AppError} `integrity` if the file is not an ONNX model.
 */
export async function readOnnxModel(path: string, fileName: string): Promise<OnnxModel> {
  const bytes = await readFile(path);
  let model: ReturnType<typeof decodeModel>;
  try {
    model = decodeModel(bytes);
  } catch (error) {
    throw integrity(`Expected '${fileName}' to be an ONNX model: ${messageOf(error)}`, error);
  }
  const { graph } = model;
  const weights = new Map<string, Weight>();
  for (const proto of graph?.initializer ?? []) {
    const weight = locate(proto, bytes, fileName);
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

function locate(proto: TensorProto, file: Uint8Array, fileName: string): Weight {
  const { name = '', dims = [], dataType = 0, rawData } = proto;
  const described = { name, shape: dims, dataType };
  if (proto.dataLocation === externalLocation) {
    const entries = new Map((proto.externalData ?? []).map(({ key, value }) => [key, value]));
    const location = {
      path: entries.get('location') ?? '',
      offset: Number(entries.get('offset') ?? 0),
      bytes: Number(entries.get('length') ?? 0),
    };
    return { ...described, file: location, proto };
  }
  if (rawData === undefined || rawData.length < inlineBytes) {
    // A copy: a view would keep the whole file in memory.
    return {
      ...described,
      file: null,
      proto: rawData === undefined ? proto : { ...proto, rawData: Uint8Array.from(rawData) },
    };
  }
  const offset = rawData.byteOffset - file.byteOffset;
  const { rawData: _, ...rest } = proto;
  return { ...described, file: { path: fileName, offset, bytes: rawData.length }, proto: rest };
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
