import { mustGet } from '@umbra/shared/assert';
import { type Axis, extentOf, isLocal, windowOf } from '../../graph/changed-region.js';
import type { Graph, GraphNode } from '../../graph/graph.js';
import { sizeOf } from '../../graph/operand.js';
import { inputRange, type Range, unionOf } from '../../graph/window.js';
import type { Port } from '../types.js';
import { type Wiring, wiringOf } from './wiring.js';

/** A stretch of local nodes with one result, run on windows of the maps that it reads. */
export type Segment = {
  readonly nodes: readonly GraphNode[];
  readonly ports: readonly Port[];
  readonly output: string;
};

/** What a segment reads and how it pads to compute a range of its output, along one axis. */
export type AxisWindows = {
  readonly output: Range;
  /** One range a port. */
  readonly ports: readonly Range[];
  /** Padding of each window node, by name: [begin, end]. */
  readonly pads: ReadonlyMap<string, readonly [number, number]>;
  /** Ranges of what the segment computes, by tensor. */
  readonly results: ReadonlyMap<string, Range>;
  /** Cuts before a node reads a map of which it needs less: `${node}|${tensor}` -> [begin, end]. */
  readonly cuts: ReadonlyMap<string, readonly [number, number]>;
};

/** Name the port through which a node reads a tensor from outside its segment. */
export function portFor(node: GraphNode, tensor: string): Port {
  const padValue = node.reach.kind === 'window' ? node.reach.padValue : null;
  const name = padValue === null ? `window:${tensor}` : `window:${tensor}:${node.name}`;
  return { name, tensor, padValue };
}

/**
 * Cut nodes `[start, end)` out as a segment, with the views that they read through.
 *
 * @returns null unless all are local and exactly one of their results is read later.
 */
export function segmentOf(
  graph: Graph,
  start: number,
  end: number,
  { readers, isView, withViews }: Wiring = wiringOf(graph),
): Segment | null {
  const own = graph.nodes.slice(start, end);
  if (!own.every((node) => isLocal(graph, node))) return null;
  const kept = own.filter((node) => !isView(node));
  const nodes = withViews(kept);
  const results = kept.flatMap(({ outputs }) => outputs);
  const live = results.filter((name) => readers.get(name)?.some((reader) => reader >= end));
  const [output] = live;
  if (output === undefined || live.length > 1) return null;
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const ports = new Map<string, Port>();
  for (const node of nodes) {
    for (const tensor of node.inputs) {
      if (made.has(tensor)) continue;
      const port = portFor(node, tensor);
      ports.set(port.name, port);
    }
  }
  return { nodes, ports: [...ports.values()], output };
}

/**
 * Find the windows of a segment for a range of its output.
 *
 * A window that meets padding inside the segment is widened to the border of the map, where the
 * network's own padding is right; elsewhere nothing inside pads. So the numbers are those of the
 * whole network.
 */
export function windowsFor(graph: Graph, segment: Segment, axis: Axis, wanted: Range): AxisWindows {
  let output = wanted;
  for (;;) {
    const windows = trace(graph, segment, axis, output);
    const clips = [...windows.pads.values()];
    const start = clips.some(([begin]) => begin > 0) ? 0 : output.start;
    const extent = extentOf(graph, segment.output, axis);
    const end = clips.some(([, after]) => after > 0) ? extent : output.end;
    if (start === output.start && end === output.end) return windows;
    output = { start, end };
  }
}

/** Follow a range of the output back to the ports. */
function trace(graph: Graph, segment: Segment, axis: Axis, output: Range): AxisWindows {
  const made = new Set(segment.nodes.flatMap(({ outputs }) => outputs));
  const needed = new Map([[segment.output, output]]);
  const reads: { node: string; key: string; range: Range; source: string }[] = [];
  const pads = new Map<string, readonly [number, number]>();
  for (const node of [...segment.nodes].reverse()) {
    const [range, ...others] = node.outputs
      .map((name) => needed.get(name))
      .filter((one) => one !== undefined);
    if (range === undefined) continue;
    const union = others.reduce(unionOf, range);
    for (const name of node.outputs) needed.set(name, union);
    const window = windowOf(node, axis);
    for (const tensor of node.inputs) {
      const port = portFor(node, tensor);
      const source = made.has(tensor) ? tensor : port.name;
      const reach = window === null ? union : inputRange(window, union);
      const padded = !made.has(tensor) && port.padValue !== null;
      const kept = padded ? reach : clip(reach, extentOf(graph, tensor, axis));
      if (window !== null) pads.set(node.name, [kept.start - reach.start, reach.end - kept.end]);
      const known = needed.get(source);
      needed.set(source, known === undefined ? kept : unionOf(known, kept));
      reads.push({ node: node.name, key: `${node.name}|${tensor}`, range: kept, source });
    }
  }
  const cuts = new Map<string, readonly [number, number]>();
  for (const { key, range, source } of reads) {
    const whole = needed.get(source) ?? range;
    if (whole.start === range.start && whole.end === range.end) continue;
    cuts.set(key, [range.start - whole.start, whole.end - range.end]);
  }
  const none = { start: 0, end: 0 };
  const ports = segment.ports.map(({ name }) => needed.get(name) ?? none);
  return { output, ports, pads, cuts, results: needed };
}

const clip = ({ start, end }: Range, extent: number): Range => ({
  start: Math.max(0, start),
  end: Math.min(end, extent),
});

/** Count of the numbers of each place of a feature map. @throws {RangeError} If the tensor is none. */
export function channelsOf(graph: Graph, tensor: string): number {
  const places = extentOf(graph, tensor, 'y') * extentOf(graph, tensor, 'x');
  return sizeOf(mustGet(graph.shapes, tensor) ?? []) / places;
}
