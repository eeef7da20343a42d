/** Small test models without Python. */
import {
  type AttributeProto,
  attributeType,
  encodeModel,
  externalLocation,
  type GraphProto,
  onnxType,
  type TensorProto,
  type ValueProto,
} from '../graph/onnx-proto.js';

type Attribute = {
  readonly name: string;
  readonly ints?: readonly number[];
  readonly int?: number;
  readonly text?: string;
  /** A graph within, as the body of a loop. */
  readonly graph?: Network;
};
export type Node = {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Outputs after the first. */
  readonly otherOutputs?: readonly string[];
  readonly attributes?: readonly Attribute[];
  /** ONNX's own operator set if left out. */
  readonly domain?: string;
};
export type Weight = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** Whole numbers, such as amounts of padding; float32 otherwise. */
  readonly whole?: boolean;
  /** Truths, one a number. */
  readonly bool?: boolean;
  /** Whole numbers of a byte, such as quantized weights. */
  readonly byte?: boolean;
  /** A file beside the model that holds the numbers, written by no one here. */
  readonly file?: string;
};
type Port = {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  /** ONNX's number of its element type; float32 when left out. */
  readonly type?: number;
  /** A sequence of such tensors. */
  readonly sequence?: boolean;
};
export type Network = {
  readonly nodes: readonly Node[];
  readonly weights: readonly Weight[];
  readonly input: Port;
  readonly otherInputs?: readonly Port[];
  readonly output: Port;
  /** Outputs that the file lists before it. */
  readonly otherOutputs?: readonly Port[];
  readonly opset?: number;
};

/**
 * Encode a network of one layer over a picture of 4 x 4 px: `output = pixels x weights`, and operations
 * after it.
 *
 * @param weights [3 * 4 * 4, width] in C order.
 */
export function encodeHead(
  weights: readonly number[],
  { last, other }: { readonly last?: string | undefined; readonly other?: string | undefined },
): Buffer {
  const inputs = 48;
  const width = weights.length / inputs;
  const port = (name: string) => ({ name, shape: ['N', width] });
  return encodeOnnx({
    nodes: [
      { op: 'Flatten', inputs: ['image'], output: 'flat' },
      { op: 'MatMul', inputs: ['flat', 'weights'], output: 'row' },
      { op: last ?? 'Identity', inputs: ['row'], output: 'scores' },
      ...(other === undefined ? [] : [{ op: 'Neg', inputs: ['row'], output: other }]),
    ],
    weights: [{ name: 'weights', shape: [inputs, width], values: weights }],
    input: { name: 'image', shape: ['N', 3, 4, 4] },
    output: port('scores'),
    ...(other !== undefined && { otherOutputs: [port(other)] }),
  });
}

const attributeText = 3;
const attributeGraph = 5;

/** Encode a network as an ONNX model (IR version 8, opset 17 unless it says another). */
export function encodeOnnx(network: Network): Buffer {
  const model = encodeModel({
    irVersion: 8,
    opsetImport: [
      { domain: '', version: network.opset ?? 17 },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: encodeGraph(network),
  });
  return Buffer.from(model);
}

function encodeGraph(network: Network): GraphProto {
  const { nodes, weights, input, otherInputs = [], output, otherOutputs = [] } = network;
  return {
    name: 'tiny',
    node: nodes.map((node) => ({
      name: `${node.op} ${node.output}`,
      opType: node.op,
      input: [...node.inputs],
      output: [node.output, ...(node.otherOutputs ?? [])],
      domain: node.domain ?? '',
      attribute: (node.attributes ?? []).map(encodeAttribute),
    })),
    initializer: weights.map(encodeWeight),
    input: [input, ...otherInputs].map(describe),
    output: [...otherOutputs, output].map(describe),
  };
}

function encodeWeight({ name, shape, values, whole, bool, byte, file }: Weight): TensorProto {
  const dims = [...shape];
  if (byte) return { name, dims, dataType: onnxType.uint8, rawData: Uint8Array.from(values) };
  if (bool) return { name, dims, dataType: onnxType.bool, rawData: Uint8Array.from(values) };
  if (whole) return { name, dims, dataType: onnxType.int64, int64Data: [...values] };
  const described = { name, dims, dataType: onnxType.float };
  if (file !== undefined) {
    const externalData = [{ key: 'location', value: file }];
    return { ...described, dataLocation: externalLocation, externalData };
  }
  return { ...described, rawData: new Uint8Array(Float32Array.from(values).buffer) };
}

function encodeAttribute({ name, ints, int, text, graph }: Attribute): AttributeProto {
  if (graph !== undefined) return { name, g: encodeGraph(graph), type: attributeGraph };
  if (text !== undefined) return { name, s: Buffer.from(text), type: attributeText };
  if (ints !== undefined) return { name, ints: [...ints], type: attributeType.ints };
  return { name, i: int ?? 0, type: attributeType.int };
}

function describe({ name, shape, type = onnxType.float, sequence }: Port): ValueProto {
  const dim = shape.map((extent) =>
    typeof extent === 'number' ? { dimValue: extent } : { dimParam: extent },
  );
  const tensor = { tensorType: { elemType: type, shape: { dim } } };
  return { name, type: sequence === true ? { sequenceType: { elemType: tensor } } : tensor };
}
