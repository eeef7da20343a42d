/** Just enough of ONNX's protobuf to write small test models without Python. */

type Attribute = {
  readonly name: string;
  readonly ints?: readonly number[];
  readonly int?: number;
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
};
export type Network = {
  readonly nodes: readonly Node[];
  readonly weights: readonly Weight[];
  readonly input: { readonly name: string; readonly shape: readonly (number | string)[] };
  readonly output: { readonly name: string; readonly shape: readonly (number | string)[] };
};

const float = 1;
const attributeInt = 2;
const attributeInts = 7;

/**
 * Encode a network as an ONNX model (IR version 8, opset 17).
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto for the field numbers.
 */
export function encodeOnnx({ nodes, weights, input, output }: Network): Buffer {
  const graph = Buffer.concat([
    ...nodes.map((node) => message(1, encodeNode(node))),
    text(2, 'tiny'),
    ...weights.map((weight) => message(5, encodeWeight(weight))),
    message(11, encodeValue(input.name, input.shape)),
    message(12, encodeValue(output.name, output.shape)),
  ]);
  return Buffer.concat([integer(1, 8), message(7, graph), message(8, integer(2, 17))]);
}

function encodeNode({ op, inputs, output, attributes = [] }: Node): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(4, op),
    ...attributes.map(({ name, ints, int }) =>
      message(
        5,
        Buffer.concat([
          text(1, name),
          ...(int === undefined ? [] : [integer(3, int)]),
          ...(ints ?? []).map((value) => integer(8, value)),
          integer(20, ints === undefined ? attributeInt : attributeInts),
        ]),
      ),
    ),
  ]);
}

function encodeWeight({ name, shape, values }: Weight): Buffer {
  const raw = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) raw.writeFloatLE(value, index * 4);
  return Buffer.concat([
    ...shape.map((extent) => integer(1, extent)),
    integer(2, float),
    text(8, name),
    message(9, raw),
  ]);
}

function encodeValue(name: string, shape: readonly (number | string)[]): Buffer {
  const dimensions = shape.map((extent) =>
    message(1, typeof extent === 'number' ? integer(1, extent) : text(2, extent)),
  );
  const tensor = Buffer.concat([integer(1, float), message(2, Buffer.concat(dimensions))]);
  return Buffer.concat([text(1, name), message(2, message(1, tensor))]);
}

const integer = (field: number, value: number): Buffer =>
  Buffer.concat([varint(field * 8), varint(value)]);
const message = (field: number, content: Buffer): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
const text = (field: number, value: string): Buffer => message(field, Buffer.from(value));

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}
