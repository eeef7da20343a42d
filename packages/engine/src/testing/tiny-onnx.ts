/** Small test models without Python. */
import {
  type AttributeProto,
  attributeType,
  encodeModel,
  onnxType,
  type ValueProto,
} from '../graph/onnx-proto.js';

type Attribute = {
  readonly name: string;
  readonly ints?: readonly number[];
  readonly int?: number;
  readonly text?: string;
};
export type Node = {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: readonly Attribute[];
};
export type Weight = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** Whole numbers, such as amounts of padding; float32 otherwise. */
  readonly whole?: boolean;
};
export type Network = {
  readonly nodes: readonly Node[];
  readonly weights: readonly Weight[];
  readonly input: { readonly name: string; readonly shape: readonly (number | string)[] };
  readonly output: { readonly name: string; readonly shape: readonly (number | string)[] };
};

const attributeText = 3;

/** Encode a network as an ONNX model (IR version 8, opset 17). */
export function encodeOnnx({ nodes, weights, input, output }: Network): Buffer {
  const model = encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'tiny',
      node: nodes.map((node) => ({
        name: `${node.op} ${node.output}`,
        opType: node.op,
        input: [...node.inputs],
        output: [node.output],
        attribute: (node.attributes ?? []).map(encodeAttribute),
      })),
      initializer: weights.map(({ name, shape, values, whole }) =>
        whole
          ? { name, dims: [...shape], dataType: onnxType.int64, int64Data: [...values] }
          : {
              name,
              dims: [...shape],
              dataType: onnxType.float,
              rawData: new Uint8Array(Float32Array.from(values).buffer),
            },
      ),
      input: [describe(input)],
      output: [describe(output)],
    },
  });
  return Buffer.from(model);
}

function encodeAttribute({ name, ints, int, text }: Attribute): AttributeProto {
  if (text !== undefined) return { name, s: Buffer.from(text), type: attributeText };
  if (ints !== undefined) return { name, ints: [...ints], type: attributeType.ints };
  return { name, i: int ?? 0, type: attributeType.int };
}

const describe = ({ name, shape }: Network['input']): ValueProto => ({
  name,
  type: {
    tensorType: {
      elemType: onnxType.float,
      shape: {
        dim: shape.map((extent) =>
          typeof extent === 'number' ? { dimValue: extent } : { dimParam: extent },
        ),
      },
    },
  },
});
