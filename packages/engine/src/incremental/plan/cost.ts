import { at } from '@umbra/shared/assert';
import { type Axis, extentOf } from '../../graph/changed-region.js';
import type { Graph, GraphNode } from '../../graph/graph.js';
import type { Range } from '../../graph/window.js';
import { type AxisWindows, channelsOf, type Segment, windowsFor } from './segment.js';

/**
 * What work costs, in ms on one core of a common server. Only ratios matter to the plan. Measured
 * by timing segments of six networks; `bench` reports what the plan that follows from them gains.
 */
const cost = {
  /** Per million multiply-adds of a convolution or product. */
  macs: 0.0215,
  /** The same of a convolution over three channels, which fills vectors badly. */
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

type AxisSamples = Readonly<Record<Axis, AxisSample>>;

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
  const samples = { y, x };
  const area = (pick: (windows: AxisWindows) => Range): number =>
    mean(y.windows.map((one) => lengthOf(pick(one)))) *
    mean(x.windows.map((one) => lengthOf(pick(one))));
  const output = area((windows) => windows.output);
  const channels = channelsOf(graph, segment.output);
  const whole = extentOf(graph, segment.output, 'y') * extentOf(graph, segment.output, 'x');
  const copied = segment.ports.reduce((sum, { tensor }, port) => {
    const length = area((windows) => at(windows.ports, port));
    return sum + length * channelsOf(graph, tensor) * 4e-6 * cost.windows;
  }, 0);
  const runs = Math.min(positionsPerTask, y.distinct * x.distinct) / positionsPerTask;
  let direct = copied + output * channels * 4e-6 * cost.results + cost.run * runs;
  let macs = 0;
  for (const node of segment.nodes) {
    // Inside a segment windows are larger by what later nodes read around them.
    const size = Math.min(1, nodeArea(node, samples) / wholeArea(graph, node)) || output / whole;
    const work = nodeWork(graph, node);
    macs += work.macs * size;
    direct += work.ms * size + (cost.node + work.weights * cost.weights) * runs;
  }
  return { direct, winograd: copied + winogradCost(graph, segment, samples), macs };
}

/** Mean cost of running nodes whole, for one position. @param ports Tensors that are copied for it. */
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
function nodeArea(node: GraphNode, { y, x }: AxisSamples): number {
  const name = at(node.outputs, 0);
  const area = (axis: AxisSample): number =>
    mean(axis.windows.map((windows) => lengthOf(windows.results.get(name) ?? windows.output)));
  return area(y) * area(x);
}

function wholeArea(graph: Graph, { outputs }: GraphNode): number {
  const output = at(outputs, 0);
  return extentOf(graph, output, 'y') * extentOf(graph, output, 'x');
}

/** Work of a node over the whole map: its cost in ms, its multiply-adds in millions, its weights in MB. */
function nodeWork(graph: Graph, node: GraphNode): { ms: number; macs: number; weights: number } {
  const outputs = sizeOf(graph, node.outputs[0]);
  // What is not known is left out here; no gain is then told.
  const macs = (node.macs ?? 0) / 1e6;
  const weights = (node.parameters * 4) / 1e6;
  if (macs > 0) {
    const stem = !(channelsRead(graph, node) > 4);
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

/** Cost of Winograd's method beside that of cutting windows. */
function winogradCost(graph: Graph, segment: Segment, { y, x }: AxisSamples): number {
  const tilesOf = (axis: AxisSample): number =>
    mean(axis.windows.map(({ output }) => Math.ceil(lengthOf(output) / 2)));
  const tiles = tilesOf(y) * tilesOf(x);
  const inputs = channelsRead(graph, at(segment.nodes, 0));
  const outputs = channelsOf(graph, segment.output);
  // Products of few channels spend more on reading and writing than on multiplying.
  const perMillion = cost.macs * (1 + 80 / Math.min(inputs, outputs));
  const products = (16 * tiles * inputs * outputs * perMillion) / 1e6;
  const memory = 16 * tiles * (inputs + outputs) * 4e-6 * cost.tiles;
  const kernels = (16 * inputs * outputs * 4e-6 * cost.weights) / positionsPerTask;
  return products + memory + kernels;
}

const lengthOf = ({ start, end }: Range): number => end - start;

/** Numbers of a tensor; 0 where its shape is not known: such work is not modelled. */
function sizeOf(graph: Graph, tensor: string | undefined): number {
  const shape = tensor === undefined ? null : graph.shapes.get(tensor);
  return shape == null ? 0 : shape.reduce((product, extent) => product * extent, 1);
}

/** Channels that a node reads first; NaN where they are not known. */
function channelsRead(graph: Graph, { inputs: [tensor] }: GraphNode): number {
  const shape = tensor === undefined ? null : graph.shapes.get(tensor);
  return shape?.[1] ?? Number.NaN;
}
