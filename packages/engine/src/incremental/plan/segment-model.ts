import { at, mustGet } from '@umbra/shared/assert';
import type { OnnxGraph } from '../../graph/from-onnx.js';
import type { GraphNode } from '../../graph/graph.js';
import type { OnnxModel } from '../../graph/onnx-model.js';
import { ancestorsOf, referTo } from '../../graph/onnx-parts.js';
import {
  attributeType,
  encodeModel,
  type NodeProto,
  onnxType,
  type ValueProto,
} from '../../graph/onnx-proto.js';
import { type Port, stageOutput } from '../types.js';
import { giveFolded } from './folded.js';
import {
  cut,
  fitToWindow,
  inside,
  openBatch,
  type Parts,
  type SegmentWindows,
  startModel,
  toRows,
} from './rewrite-nodes.js';
import { channelsOf, portFor, type Segment } from './segment.js';

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
  const parts = startModel(graph, segment.ports);
  const made = new Set(segment.nodes.flatMap(({ outputs }) => outputs));
  for (const node of segment.nodes) {
    const renamed = new Map(
      node.inputs.map((tensor) => {
        const source = made.has(tensor) ? tensor : inside(portFor(node, tensor).name);
        const axes = mustGet(graph.axes, tensor);
        return [tensor, cut(parts, { key: `${node.name}|${tensor}`, source, axes }, windows)];
      }),
    );
    const proto = mustGet(graph.source, node);
    const input = proto.input.map((name) => renamed.get(name) ?? name);
    parts.nodes.push(fitToWindow(parts, graph, { node, proto: { ...proto, input } }, windows));
  }
  toRows(parts, graph, segment.output, stageOutput);
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
  const parts = startModel(graph, ports);
  for (const { name, tensor } of ports) {
    parts.nodes.push({ opType: 'Identity', input: [inside(name)], output: [tensor] });
  }
  parts.nodes.push(...nodes.map((node) => openBatch(parts, graph, node)));
  // Scores may be of another type than float32.
  parts.nodes.push(cast(graph.output, stageOutput));
  return finish(model, graph, parts, ports);
}

const cast = (input: string, output: string): NodeProto => ({
  opType: 'Cast',
  input: [input],
  output: [output],
  attribute: [{ name: 'to', i: onnxType.float, type: attributeType.int }],
});

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
  const folded = [...new Set(wanted)].filter((name) => graph.folded.has(name));
  const given = folded.map((name) =>
    giveFolded(name, mustGet(graph.folded, name), at(ports, 0).name),
  );
  const needed = ancestorsOf(
    model,
    wanted.filter((name) => !graph.folded.has(name)),
  );
  return encodeModel({
    irVersion: model.irVersion,
    opsetImport: model.opset.map((one) => ({ ...one })),
    graph: {
      name: 'segment',
      node: [...needed.nodes, ...given.flatMap((one) => one.nodes), ...nodes],
      initializer: [
        ...needed.weights.map(referTo),
        ...given.flatMap((one) => one.constants),
        ...constants,
      ],
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
