import { type Axis, extentOf } from '../../graph/changed-region.js';
import type { Graph, GraphNode } from '../../graph/graph.js';
import type { Range } from '../../graph/window.js';
import { type AxisWindows, type Segment, windowsFor } from './segment.js';

/**
 * What work costs, in ms on one core of a common server. Only ratios matter to the plan. Measured
 * by timing segments of six networks; `bench` reports what the plan that follows from them gains.
 */
const cost = {
  /** Per million multiply-adds of a convolution or product. */
  macs: 0.0215,
  /** Of a convolution over three channels, which fills vectors badly. */
  stemMacs: 0.027,
  /** Per million numbers that a pooling or an elementwise operation reads. */
  numbers: 0.16,
  /** Per megabyte cut out of maps, and per megabyte of results. */
  windows: 0.12,
  results: 0.1,
  /** Per megabyte of weights that one run reads. */
  weights: 0.1,
  /** Per call of a runtime, and per node of it. */
  run: 0.03,
  node: 0.008,
  /** Per megabyte of tiles and products of Winograd's method. */
  tiles: 0.17,
} as const;

/** Positions that one task has, over which the cost of a run is spread. */
const positionsPerTask = 64;

/** Windows along one axis for sample positions. */
type AxisSample = { readonly windows: readonly AxisWindows[]; readonly distinct: number };

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export type SegmentCost = {
  readonly direct: number;
  readonly winograd: number;
  readonly macs: number;
};

/**
 * Mean cost of a segment for one position, ms.
 *
 * @param wanted Changed ranges of its output at sample positions.
 * @returns `macs` in millions, of the direct method.
 */
export function segmentCost(
  graph: Graph,
  segment: Segment,
  wanted: Readonly<Record<Axis, readonly Range[]>>,
): SegmentCost {
  const y = sample(graph, segment, 'y', wanted.y);
  const x = sample(graph, segment, 'x', wanted.x);
  const area = (pick: (windows: AxisWindows) => Range): number =>
    mean(y.windows.map((one) => lengthOf(pick(one)))) *
    mean(x.windows.map((one) => lengthOf(pick(one))));
  const output = area((windows) => windows.output);
  const channels = graph.shapes.get(segment.output)?.[1] ?? 0;
  const whole = extentOf(graph, segment.output, 'y') * extentOf(graph, segment.output, 'x');
  const copied = segment.ports.reduce((sum, { tensor }, at) => {
    const length = area((windows) => windows.ports[at] ?? { start: 0, end: 0 });
    return sum + length * (graph.shapes.get(tensor)?.[1] ?? 0) * 4e-6 * cost.windows;
  }, 0);
  const runs = Math.min(positionsPerTask, y.distinct * x.distinct) / positionsPerTask;
  let direct = copied + output * channels * 4e-6 * cost.results + cost.run * runs;
  let macs = 0;
  for (const node of segment.nodes) {
    // Inside a segment windows are larger by what later nodes read around them.
    const size =
      Math.min(1, nodeArea(graph, segment, node, y, x) / wholeArea(graph, node)) || output / whole;
    const work = nodeWork(graph, node);
    macs += work.macs * size;
    direct += work.ms * size + (cost.node + work.weights * cost.weights) * runs;
  }
  return { direct, winograd: winogradCost(graph, segment, y, x, copied), macs };
}

/** Mean cost of running nodes whole, for one position. @param runs Share of a run that a position pays. */
export function wholeCost(
  graph: Graph,
  nodes: readonly GraphNode[],
  ports: readonly string[],
): { readonly ms: number; readonly macs: number } {
  const copied = ports.reduce(
    (sum, tensor) => sum + sizeOf(graph, tensor) * 4e-6 * cost.windows,
    0,
  );
  let ms = copied;
  let macs = 0;
  for (const node of nodes) {
    const work = nodeWork(graph, node);
    ms += work.ms + (cost.node + work.weights * cost.weights) / 16;
    macs += work.macs;
  }
  return { ms, macs };
}

function sample(graph: Graph, segment: Segment, axis: Axis, ranges: readonly Range[]): AxisSample {
  const windows = ranges.map((range) => windowsFor(graph, segment, axis, range));
  const sizes = windows.map(
    ({ output, pads }) => `${lengthOf(output)} ${[...pads.values()].join()}`,
  );
  return { windows, distinct: new Set(sizes).size };
}

/** Mean area of a node's result inside a segment. */
function nodeArea(
  _graph: Graph,
  _segment: Segment,
  node: GraphNode,
  y: AxisSample,
  x: AxisSample,
): number {
  const name = node.outputs[0] ?? '';
  const area = (axis: AxisSample): number =>
    mean(axis.windows.map((windows) => lengthOf(windows.results.get(name) ?? windows.output)));
  return area(y) * area(x);
}

const wholeArea = (graph: Graph, { outputs }: GraphNode): number =>
  extentOf(graph, outputs[0] ?? '', 'y') * extentOf(graph, outputs[0] ?? '', 'x');

/** A node over the whole map: its cost in ms, its multiply-adds in millions, its weights in MB. */
function nodeWork(graph: Graph, node: GraphNode): { ms: number; macs: number; weights: number } {
  const outputs = sizeOf(graph, node.outputs[0] ?? '');
  const macs = (outputs * node.macsPerOutput) / 1e6;
  const weights = (node.parameters * 4) / 1e6;
  if (macs > 0) {
    const stem = (graph.shapes.get(node.inputs[0] ?? '')?.[1] ?? 0) <= 4;
    return { ms: macs * (stem ? cost.stemMacs : cost.macs), macs, weights };
  }
  // Activations run in the convolution before them.
  if (fused.has(node.op)) return { ms: 0, macs: 0, weights: 0 };
  const reads = node.reach.kind === 'window' ? node.reach.y.kernel * node.reach.x.kernel : 1;
  return { ms: (outputs * reads * cost.numbers) / 1e6, macs: 0, weights: 0 };
}

const fused = new Set([
  'Relu',
  'Clip',
  'BatchNormalization',
  'Identity',
  'Dropout',
  'Flatten',
  'Reshape',
]);

function winogradCost(
  graph: Graph,
  segment: Segment,
  y: AxisSample,
  x: AxisSample,
  copied: number,
): number {
  const tilesOf = (axis: AxisSample): number =>
    mean(axis.windows.map(({ output }) => Math.ceil(lengthOf(output) / 2)));
  const tiles = tilesOf(y) * tilesOf(x);
  const [conv] = segment.nodes;
  const inputs = (conv?.macsPerOutput ?? 0) / 9;
  const outputs = graph.shapes.get(segment.output)?.[1] ?? 0;
  // Products of few channels spend more on reading and writing than on multiplying.
  const perMillion = cost.macs * (1 + 80 / Math.min(inputs, outputs));
  const products = (16 * tiles * inputs * outputs * perMillion) / 1e6;
  const memory = 16 * tiles * (inputs + outputs) * 4e-6 * cost.tiles;
  const kernels = (16 * inputs * outputs * 4e-6 * cost.weights) / positionsPerTask;
  return copied + products + memory + kernels;
}

const lengthOf = ({ start, end }: Range): number => end - start;

function sizeOf(graph: Graph, tensor: string): number {
  const shape = graph.shapes.get(tensor);
  return shape?.reduce((product, extent) => product * extent, 1) ?? 0;
}
