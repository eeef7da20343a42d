import { at, mustGet } from '@umbra/shared/assert';
import type { OnnxGraph } from '../../graph/from-onnx.js';
import type { GraphNode, MapAxes } from '../../graph/graph.js';
import {
  attributeType,
  type NodeProto,
  onnxType,
  type TensorProto,
} from '../../graph/onnx-proto.js';
import type { Port } from '../types.js';
import type { AxisWindows } from './segment.js';

export type SegmentWindows = { readonly y: AxisWindows; readonly x: AxisWindows };

/** A model that is being written. */
export type Parts = {
  readonly nodes: NodeProto[];
  readonly constants: TensorProto[];
};

/** Begin a model with maps that its ports bring as rows: [windows, height, width, channels]. */
export const startModel = (graph: OnnxGraph, ports: readonly Port[]): Parts => {
  const parts: Parts = { nodes: [], constants: [] };
  for (const { name, tensor } of ports) fromRows(parts, graph, { name, tensor });
  return parts;
};

/** Name of a port's map inside the model, in the network's own layout. */
export const inside = (port: string): string => `${port}:map`;

/** Axes of a tensor in the order of rows: images, rows, columns, then those of channels. */
function rowOrder(graph: OnnxGraph, tensor: string): readonly number[] {
  const { y, x } = mustGet(graph.axes, tensor);
  const rank = shapeOf(graph, tensor).length;
  const rest = Array.from({ length: rank }, (_, axis) => axis).filter(
    (axis) => axis !== 0 && axis !== y && axis !== x,
  );
  return [0, y, x, ...rest];
}

function shapeOf(graph: OnnxGraph, tensor: string): readonly number[] {
  const shape = graph.shapes.get(tensor);
  if (shape == null) throw new Error(`Expected the shape of '${tensor}' to be known`);
  return shape;
}

function fromRows(
  parts: Parts,
  graph: OnnxGraph,
  { name, tensor }: Pick<Port, 'name' | 'tensor'>,
): void {
  const order = rowOrder(graph, tensor);
  const channels = order.slice(3).map((axis) => at(shapeOf(graph, tensor), axis));
  const split = channels.length === 1 ? name : `${name}:split`;
  if (split !== name) {
    const target = constant(parts, `${split}:shape`, [0, 0, 0, ...channels]);
    parts.nodes.push({ opType: 'Reshape', input: [name, target], output: [split] });
  }
  const perm = order.map((_, axis) => order.indexOf(axis));
  parts.nodes.push(transpose(split, inside(name), perm));
}

/** Write a map as rows. */
export function toRows(parts: Parts, graph: OnnxGraph, tensor: string, output: string): void {
  const order = rowOrder(graph, tensor);
  if (order.length === 4) {
    parts.nodes.push(transpose(tensor, output, order));
    return;
  }
  const turned = `${output}:turned`;
  const target = constant(parts, `${output}:shape`, [0, 0, 0, -1]);
  parts.nodes.push(transpose(tensor, turned, order));
  parts.nodes.push({ opType: 'Reshape', input: [turned, target], output: [output] });
}

const transpose = (input: string, output: string, perm: readonly number[]): NodeProto => ({
  opType: 'Transpose',
  input: [input],
  output: [output],
  attribute: [{ name: 'perm', ints: [...perm], type: attributeType.ints }],
});

/** Several positions are run at once, though the file may speak of one image. */
export function openBatch(parts: Parts, graph: OnnxGraph, node: GraphNode): NodeProto {
  const proto = mustGet(graph.source, node);
  const [output] = node.outputs;
  if (output === undefined || !graph.opened.has(output)) return proto;
  const target = [-1, ...shapeOf(graph, output).slice(1)];
  return { ...proto, input: [at(proto.input, 0), constant(parts, `${output}:shape`, target)] };
}

/** What one reader takes of a map. */
type Reading = {
  /** Names the reader and the map: see `AxisWindows.cuts`. */
  readonly key: string;
  readonly source: string;
  readonly axes: MapAxes;
};

const far = 2 ** 31 - 1;

/** Cut a map down to what one reader needs of it. @returns The name of what to read. */
export function cut(
  parts: Parts,
  { key, source, axes }: Reading,
  { y, x }: SegmentWindows,
): string {
  const [top, bottom] = y.cuts.get(key) ?? [0, 0];
  const [left, right] = x.cuts.get(key) ?? [0, 0];
  if (top + bottom + left + right === 0) return source;
  const output = `${key}:cut`;
  const ends = [bottom, right].map((amount) => (amount === 0 ? far : -amount));
  parts.nodes.push({
    opType: 'Slice',
    input: [
      source,
      constant(parts, `${output}:starts`, [top, left]),
      constant(parts, `${output}:ends`, ends),
      constant(parts, `${output}:axes`, [axes.y, axes.x]),
    ],
    output: [output],
  });
  return output;
}

function constant(parts: Parts, name: string, values: readonly number[]): string {
  parts.constants.push({
    name,
    dims: [values.length],
    dataType: onnxType.int64,
    int64Data: [...values],
  });
  return name;
}

/** A node of the graph and its description, inputs renamed. */
type Written = { readonly node: GraphNode; readonly proto: NodeProto };

/** Make a node that was written for whole maps fit windows of them. */
export function fitToWindow(
  parts: Parts,
  graph: OnnxGraph,
  written: Written,
  windows: SegmentWindows,
): NodeProto {
  const { node, proto } = written;
  if (node.reach.kind === 'window') return padWindow(parts, graph, written, windows);
  if (node.op === 'Reshape' || node.op === 'Expand') return fitExtents(parts, graph, written);
  return proto;
}

/** Give a window node the padding of its place instead of the network's. */
function padWindow(
  parts: Parts,
  graph: OnnxGraph,
  { node, proto }: Written,
  { y, x }: SegmentWindows,
): NodeProto {
  const [top, bottom] = y.pads.get(node.name) ?? [0, 0];
  const [left, right] = x.pads.get(node.name) ?? [0, 0];
  const tensor = at(node.inputs, 0);
  const axes = mustGet(graph.axes, tensor);
  const data = at(proto.input, 0);
  if (node.op === 'Pad') {
    const zeros = shapeOf(graph, tensor).map(() => 0);
    const amounts = [
      ...zeros.with(axes.y, top).with(axes.x, left),
      ...zeros.with(axes.y, bottom).with(axes.x, right),
    ];
    // The value, and no axes: the amounts are those of all.
    const rest = proto.input.slice(2, 3);
    return { ...proto, input: [data, constant(parts, `${node.name}:pads`, amounts), ...rest] };
  }
  if (node.op === 'Slice' && node.reach.kind === 'window') {
    // Windows begin at the first row and column that the slice takes.
    const list = (name: string, values: readonly number[]) =>
      constant(parts, `${node.name}:${name}`, values);
    const steps = [node.reach.y.stride, node.reach.x.stride];
    const bounds = [list('starts', [0, 0]), list('ends', [far, far])];
    const input = [data, ...bounds, list('axes', [axes.y, axes.x]), list('steps', steps)];
    return { ...proto, input };
  }
  const replaced = new Set(['pads', 'auto_pad', 'ceil_mode']);
  const pads = { name: 'pads', ints: [top, left, bottom, right], type: attributeType.ints };
  const others = (proto.attribute ?? []).filter(({ name }) => !replaced.has(name));
  return { ...proto, attribute: [...others, pads] };
}

/** Give a `Reshape` or `Expand` the extents of its window in place of those of the map. */
function fitExtents(parts: Parts, graph: OnnxGraph, { node, proto }: Written): NodeProto {
  const [tensor, output] = [at(node.inputs, 0), at(node.outputs, 0)];
  const data = at(proto.input, 0);
  const before = mustGet(graph.axes, tensor);
  const after = mustGet(graph.axes, output);
  const shape = shapeOf(graph, output);
  const rank = shapeOf(graph, tensor).length;
  const own = (suffix: string) => `${output}:${suffix}`;
  // The extents of the window, then those of the map: each axis takes one of either.
  const sources = new Map([
    [0, 0],
    [after.y, before.y],
    [after.x, before.x],
  ]);
  const choice = shape.map((_, axis) => sources.get(axis) ?? rank + axis);
  parts.nodes.push(
    { opType: 'Shape', input: [data], output: [own('window')] },
    {
      opType: 'Concat',
      input: [own('window'), constant(parts, own('whole'), shape)],
      output: [own('extents')],
      attribute: [{ name: 'axis', i: 0, type: attributeType.int }],
    },
    {
      opType: 'Gather',
      input: [own('extents'), constant(parts, own('choice'), choice)],
      output: [own('target')],
    },
  );
  return { ...proto, input: [data, own('target')] };
}
