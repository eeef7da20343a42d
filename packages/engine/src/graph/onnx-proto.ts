import protobuf from 'protobufjs/light.js';

/**
 * The parts of ONNX's protobuf that are read and written; other fields are ignored.
 *
 * Lists are always there, empty where the file has none; a field with `?` may be absent in a file.
 */
export type ModelProto = {
  irVersion?: number;
  opsetImport: { domain?: string; version?: number }[];
  graph?: GraphProto;
  functions?: unknown[];
};
export type GraphProto = {
  name?: string;
  node: NodeProto[];
  initializer: TensorProto[];
  input: ValueProto[];
  output: ValueProto[];
};
export type NodeProto = {
  name?: string;
  opType: string;
  domain?: string;
  input: string[];
  output: string[];
  /** May be left out of a node that is written. */
  attribute?: AttributeProto[];
};
export type AttributeProto = {
  name: string;
  type?: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats?: number[];
  ints?: number[];
  strings?: Uint8Array[];
};
export type TensorProto = {
  name?: string;
  dims: number[];
  dataType?: number;
  rawData?: Uint8Array;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: number[];
  externalData?: { key: string; value: string }[];
  dataLocation?: number;
};
export type ValueProto = { name: string; type?: TypeProto };
type TypeProto = {
  tensorType?: {
    elemType?: number;
    shape?: { dim: { dimValue?: number; dimParam?: string }[] };
  };
  sequenceType?: { elemType?: TypeProto };
};

/** ONNX's numbers for element types, attribute types and the places of a tensor's data. */
export const onnxType = {
  undefined: 0,
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  text: 8,
  bool: 9,
  half: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
} as const;
export const attributeType = { float: 1, int: 2, text: 3, graph: 5, ints: 7 } as const;
export const externalLocation = 1;

const optional = (type: string, id: number) => ({ type, id });
const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id });
const packed = (type: string, id: number) => ({
  rule: 'repeated',
  type,
  id,
  options: { packed: true },
});

/** Field numbers as in ONNX's `onnx.proto`. */
const root = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: optional('int64', 1),
        opsetImport: repeated('OperatorSetIdProto', 8),
        graph: optional('GraphProto', 7),
        functions: repeated('bytes', 25),
      },
    },
    OperatorSetIdProto: {
      fields: { domain: optional('string', 1), version: optional('int64', 2) },
    },
    GraphProto: {
      fields: {
        node: repeated('NodeProto', 1),
        name: optional('string', 2),
        initializer: repeated('TensorProto', 5),
        input: repeated('ValueInfoProto', 11),
        output: repeated('ValueInfoProto', 12),
      },
    },
    NodeProto: {
      fields: {
        input: repeated('string', 1),
        output: repeated('string', 2),
        name: optional('string', 3),
        opType: optional('string', 4),
        attribute: repeated('AttributeProto', 5),
        domain: optional('string', 7),
      },
    },
    AttributeProto: {
      fields: {
        name: optional('string', 1),
        f: optional('float', 2),
        i: optional('int64', 3),
        s: optional('bytes', 4),
        t: optional('TensorProto', 5),
        g: optional('GraphProto', 6),
        floats: repeated('float', 7),
        ints: repeated('int64', 8),
        strings: repeated('bytes', 9),
        type: optional('int32', 20),
      },
    },
    TensorProto: {
      fields: {
        dims: repeated('int64', 1),
        dataType: optional('int32', 2),
        floatData: packed('float', 4),
        int32Data: packed('int32', 5),
        int64Data: packed('int64', 7),
        name: optional('string', 8),
        rawData: optional('bytes', 9),
        externalData: repeated('StringStringEntryProto', 13),
        dataLocation: optional('int32', 14),
      },
    },
    StringStringEntryProto: {
      fields: { key: optional('string', 1), value: optional('string', 2) },
    },
    ValueInfoProto: { fields: { name: optional('string', 1), type: optional('TypeProto', 2) } },
    TypeProto: {
      fields: {
        tensorType: optional('TensorTypeProto', 1),
        sequenceType: optional('SequenceTypeProto', 4),
      },
    },
    SequenceTypeProto: { fields: { elemType: optional('TypeProto', 1) } },
    TensorTypeProto: {
      fields: { elemType: optional('int32', 1), shape: optional('TensorShapeProto', 2) },
    },
    TensorShapeProto: { fields: { dim: repeated('DimensionProto', 1) } },
    DimensionProto: {
      fields: { dimValue: optional('int64', 1), dimParam: optional('string', 2) },
    },
  },
});
const modelProto = root.lookupType('ModelProto');

/** Makes a decoder of one message type, which throws {Error} if the bytes are not protobuf. */
const decoder =
  <T>(type: protobuf.Type) =>
  (bytes: Uint8Array): T =>
    type.toObject(type.decode(bytes), { longs: Number, arrays: true }) as T;

export const decodeModel = decoder<ModelProto>(modelProto);
export const decodeGraph = decoder<GraphProto>(root.lookupType('GraphProto'));
export const decodeTensor = decoder<TensorProto>(root.lookupType('TensorProto'));

/** Files beside the model that hold weights, each once. */
export function externalFiles({ graph }: ModelProto): readonly string[] {
  if (graph === undefined) return [];
  return [
    ...new Set(graph.initializer.filter(isExternal).map((tensor) => externalData(tensor).path)),
  ];
}

/** Whether a tensor's numbers lie in a file beside the model. */
export const isExternal = ({ dataLocation }: TensorProto): boolean =>
  dataLocation === externalLocation;

/**
 * The file that holds an external tensor's numbers. ONNX takes an offset that is left out for the
 * file's start.
 *
 * @returns An empty path, which names no file, or 0 bytes where the entry is missing.
 */
export function externalData({ externalData: entries = [] }: TensorProto): {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
} {
  const {
    location = '',
    offset = 0,
    length = 0,
  } = Object.fromEntries(entries.map(({ key, value }) => [key, value]));
  return { path: location, offset: Number(offset), bytes: Number(length) };
}

/** Encode a model as an ONNX file. */
export function encodeModel(model: ModelProto): Uint8Array {
  return modelProto.encode(modelProto.fromObject(model)).finish();
}
