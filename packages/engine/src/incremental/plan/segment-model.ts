import type { OnnxGraph } from '../../graph/from-onnx.js';
import type { GraphNode } from '../../graph/graph.js';
import type { OnnxModel } from '../../graph/onnx-model.js';
import { ancestorsOf, referTo } from '../../graph/onnx-parts.js';
import {
  attributeType,
  encodeModel,
  type NodeProto,
  onnxType,
  type TensorProto,
  type ValueProto,
} from '../../graph/onnx-proto.js';
import { type Port, stageOutput } from '../types.js';
import { type AxisWindows, channelsOf, portFor, type Segment } from './segment.js';

type SegmentWindows = { readonly y: AxisWindows; readonly x: AxisWindows };

/**
 * Write a segment as an ONNX model of its own: windows in, its output's window out, both with
 * channels last, so that a row of a window is one stretch of memory. Large weights are referred to
 * where they lie in the bundle's files.
 */
export function segmentModel(
  model: OnnxModel,
  graph: OnnxGraph,
  segment: Segment,
  windows: SegmentWindows,
): Uint8Array {
  const parts = startModel(segment.ports);
  const made = new Set(segment.nodes.flatMap(({ outputs }) => outputs));
  for (const node of segment.nodes) {
    const renamed = new Map(
      node.inputs.map((tensor) => {
        const source = made.has(tensor) ? tensor : inside(portFor(node, tensor).name);
        return [tensor, cut(parts, `${node.name}|${tensor}`, source, windows)];
      }),
    );
    const proto = protoOf(graph, node);
    parts.nodes.push(
      pad(
        parts,
        { ...proto, input: proto.input.map((name) => renamed.get(name) ?? name) },
        node,
        windows,
      ),
    );
  }
  parts.nodes.push(transpose(segment.output, stageOutput, [0, 2, 3, 1]));
  return finish(model, graph, parts, segment.ports);
}

/**
 * Write the end of a network, from some maps to its output, as an ONNX model of its own.
 *
 * @param ports Whole maps with channels last; one a tensor.
 */
export function suffixModel(
  model: OnnxModel,
  graph: OnnxGraph,
  nodes: readonly GraphNode[],
  ports: readonly Port[],
): Uint8Array {
  const parts = startModel(ports);
  for (const { name, tensor } of ports) {
    parts.nodes.push({ opType: 'Identity', input: [inside(name)], output: [tensor] });
  }
  parts.nodes.push(...nodes.map((node) => openBatch(parts, graph, node)));
  parts.nodes.push({ opType: 'Identity', input: [graph.output], output: [stageOutput] });
  return finish(model, graph, parts, ports);
}

type Parts = {
  readonly nodes: NodeProto[];
  readonly constants: TensorProto[];
};

const startModel = (ports: readonly Port[]): Parts => ({
  nodes: ports.map(({ name }) => transpose(name, inside(name), [0, 3, 1, 2])),
  constants: [],
});

const inside = (port: string): string => `${port}:map`;

function protoOf(graph: OnnxGraph, node: GraphNode): NodeProto {
  const proto = graph.source.get(node);
  if (proto === undefined) throw new Error(`Expected node '${node.name}' to come from the graph`);
  return proto;
}

/** Several positions are run at once, though the file may speak of one image. */
function openBatch(parts: Parts, graph: OnnxGraph, node: GraphNode): NodeProto {
  const proto = protoOf(graph, node);
  const [output] = node.outputs;
  const [data] = proto.input;
  const shape = output === undefined ? undefined : graph.shapes.get(output);
  if (node.op !== 'Reshape' || data === undefined || shape == null || shape.length < 2)
    return proto;
  const target = constant(parts, `${output}:shape`, [-1, ...shape.slice(1)]);
  return { ...proto, input: [data, target] };
}

const transpose = (input: string, output: string, perm: number[]): NodeProto => ({
  opType: 'Transpose',
  input: [input],
  output: [output],
  attribute: [{ name: 'perm', ints: perm, type: attributeType.ints }],
});

/**
 * Cut a map down to what one reader needs of it.
 *
 * @param key Names the reader and the map: see `AxisWindows.cuts`.
 * @returns The name of what to read.
 */
function cut(parts: Parts, key: string, source: string, { y, x }: SegmentWindows): string {
  const [top, bottom] = y.cuts.get(key) ?? [0, 0];
  const [left, right] = x.cuts.get(key) ?? [0, 0];
  if (top + bottom + left + right === 0) return source;
  const output = `${key}:cut`;
  const far = 2 ** 31 - 1;
  const ends = [bottom, right].map((amount) => (amount === 0 ? far : -amount));
  parts.nodes.push({
    opType: 'Slice',
    input: [
      source,
      constant(parts, `${output}:starts`, [top, left]),
      constant(parts, `${output}:ends`, ends),
      constant(parts, `${output}:axes`, [2, 3]),
    ],
    output: [output],
  });
  return output;
}

function constant(parts: Parts, name: string, values: number[]): string {
  parts.constants.push({
    name,
    dims: [values.length],
    dataType: onnxType.int64,
    int64Data: values,
  });
  return name;
}

/** Give a window node the padding of its place instead of the network's. */
function pad(parts: Parts, proto: NodeProto, node: GraphNode, { y, x }: SegmentWindows): NodeProto {
  if (node.reach.kind !== 'window') return proto;
  const [top, bottom] = y.pads.get(node.name) ?? [0, 0];
  const [left, right] = x.pads.get(node.name) ?? [0, 0];
  if (proto.opType === 'Pad') {
    const amounts = constant(parts, `${node.name}:pads`, [0, 0, top, left, 0, 0, bottom, right]);
    const [data, , ...rest] = proto.input;
    if (data === undefined) throw new Error(`Expected '${node.name}' to have an input`);
    return { ...proto, input: [data, amounts, ...rest] };
  }
  const replaced = new Set(['pads', 'auto_pad', 'ceil_mode']);
  const pads = { name: 'pads', ints: [top, left, bottom, right], type: attributeType.ints };
  const others = (proto.attribute ?? []).filter(({ name }) => !replaced.has(name));
  return { ...proto, attribute: [...others, pads] };
}

function finish(
  model: OnnxModel,
  graph: OnnxGraph,
  { nodes, constants }: Parts,
  ports: readonly Port[],
): Uint8Array {
  const computed = new Set([
    ...ports.map(({ name }) => name),
    ...nodes.flatMap(({ output }) => output),
  ]);
  const own = new Set(constants.map(({ name }) => name));
  const wanted = nodes
    .flatMap(({ input }) => input)
    .filter((name) => name !== '' && !computed.has(name) && !own.has(name));
  const needed = ancestorsOf(model, wanted);
  return encodeModel({
    irVersion: model.irVersion,
    opsetImport: model.opset.map((one) => ({ ...one })),
    graph: {
      name: 'segment',
      node: [...needed.nodes, ...nodes],
      initializer: [...needed.weights.map(referTo), ...constants],
      input: ports.map(({ name, tensor }) => describeInput(name, channelsOf(graph, tensor))),
      output: [{ name: stageOutput, type: { tensorType: { elemType: onnxType.float } } }],
    },
  });
}

/** [windows, height, width, channels]; all but the channels vary. */
const describeInput = (name: string, channels: number): ValueProto => ({
  name,
  type: {
    tensorType: {
      elemType: onnxType.float,
      shape: {
        dim: [
          { dimParam: 'n' },
          { dimParam: `${name}:h` },
          { dimParam: `${name}:w` },
          { dimValue: channels },
        ],
      },
    },
  },
});
