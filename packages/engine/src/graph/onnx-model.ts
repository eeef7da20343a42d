import { integrity } from '@umbra/shared/errors';
import { type AttributeProto, type NodeProto, onnxType, type TensorProto } from './onnx-proto.js';
import type { DeclaredOutput } from './scores-output.js';

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

/** A declared input. */
export type ModelPort = {
  readonly name: string;
  readonly shape: readonly (number | null)[];
  /** ONNX's number of its element type; 0 where the file declares none. */
  readonly type: number;
};

/** An ONNX file, decoded, with the weights left where they are. */
export type OnnxModel = {
  readonly irVersion: number;
  readonly opset: readonly { readonly domain: string; readonly version: number }[];
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly DeclaredOutput[];
  readonly nodes: readonly NodeProto[];
  readonly weights: ReadonlyMap<string, Weight>;
};

/**
 * The name of the image among a model's inputs, which is the first that is no weight.
 *
 * @throws {AppError} `integrity` if the model reads nothing.
 */
export function imageInput({ inputs: [image] }: OnnxModel): string {
  if (image === undefined) throw integrity('Expected an ONNX model with an input, got none');
  return image.name;
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
  if (tensor?.rawData === undefined) return null;
  const bytes = Buffer.from(tensor.rawData);
  if (tensor.dataType === onnxType.int32) {
    return Array.from({ length: bytes.length / 4 }, (__, at) => bytes.readInt32LE(at * 4));
  }
  if (tensor.dataType !== onnxType.int64) return null;
  return Array.from({ length: bytes.length / 8 }, (__, at) => Number(bytes.readBigInt64LE(at * 8)));
}

/** Numbers of a small float32 constant; null if it is not one. */
export function floatsIn(tensor: TensorProto | undefined): readonly number[] | null {
  if (tensor?.floatData?.length) return tensor.floatData;
  if (tensor?.rawData === undefined || tensor.dataType !== onnxType.float) return null;
  const bytes = Buffer.from(tensor.rawData);
  return Array.from({ length: bytes.length / 4 }, (__, at) => bytes.readFloatLE(at * 4));
}

/** An attribute by name; undefined where the node leaves it to the operator's default. */
export const attributeOf = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute?.find((attribute) => attribute.name === name);

/** An integer attribute, or the operator's default where the node leaves it out. */
export function integerAttribute(node: NodeProto, name: string, byDefault: number): number {
  const attribute = attributeOf(node, name);
  // Some writers leave out a number that is 0.
  return attribute === undefined ? byDefault : (attribute.i ?? 0);
}

/** Whether a node has a branch or loop, which may read tensors that the node does not list. */
export const hasSubgraph = (node: NodeProto): boolean =>
  node.attribute?.some(({ g }) => g !== undefined) ?? false;
