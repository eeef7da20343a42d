import type { Axis } from '../../graph/changed-region.js';
import { changedRanges, extentOf } from '../../graph/changed-region.js';
import type { OnnxGraph } from '../../graph/from-onnx.js';
import type { GraphNode } from '../../graph/graph.js';
import type { OnnxModel } from '../../graph/onnx-model.js';
import type { Range } from '../../graph/window.js';
import type { Placement, Port, Program, Stage, StagePort, WinogradStage } from '../types.js';
import { canBatch, forOneImage } from './folded.js';
import { liveAt, type PlannedSegment } from './plan-segments.js';
import { type AxisWindows, channelsOf, type Segment, segmentOf, windowsFor } from './segment.js';
import { segmentModel, suffixModel } from './segment-model.js';
import { winogradOf } from './winograd-stage.js';
import { wiringOf } from './wiring.js';

/** A network as it is stored, and its graph for one extent of the input. */
export type SourceNetwork = {
  readonly model: OnnxModel;
  readonly graph: OnnxGraph;
  /** 1 where its description says that it takes one image at a time. */
  readonly batch?: 1 | undefined;
};

/**
 * Turn a plan into what threads run.
 *
 * @param boxes Distinct vertical and horizontal ranges of the boxes, px of the network's input.
 */
export function compileProgram(
  network: SourceNetwork,
  segments: readonly PlannedSegment[],
  boxes: Readonly<Record<Axis, readonly Range[]>>,
): Program {
  const { model, graph } = network;
  // Without segments the last stage is the whole network.
  const end = segments.at(-1)?.end ?? 0;
  const prefix = graph.nodes.slice(0, end);
  const changedAlong = (axis: Axis): ChangedRanges[] => [
    ...boxes[axis].map((range) => changedRanges(graph, prefix, axis, range)),
    wholeMaps(graph, prefix, axis),
  ];
  const changed = { y: changedAlong('y'), x: changedAlong('x') };
  const wiring = wiringOf(graph);
  const stages = segments.map((planned) => {
    const segment = segmentOf(graph, planned.start, planned.end, wiring);
    if (segment === null) throw new Error(`Expected a segment before node ${planned.end}`);
    const winograd = planned.method === 'winograd' ? winogradOf(model, graph, segment) : null;
    return compileStage(network, segment, winograd, changed);
  });
  return {
    input: graph.input,
    inputShape: stagePort(graph, { name: '', tensor: graph.input, padValue: null }),
    stages: [...stages, compileSuffix(network, end, changed)],
  };
}

/** Every map whole: more than a changed input can alter, where padding is as wide as a kernel. */
const wholeMaps = (graph: OnnxGraph, nodes: readonly GraphNode[], axis: Axis): ChangedRanges =>
  new Map(
    [graph.input, ...nodes.flatMap(({ outputs }) => outputs)].map((tensor) => [
      tensor,
      { start: 0, end: extentOf(graph, tensor, axis) },
    ]),
  );

/** What boxes of one range change, along one axis, by tensor. */
type ChangedRanges = ReadonlyMap<string, Range>;
type ChangedAxes = Readonly<Record<Axis, readonly ChangedRanges[]>>;

function compileStage(
  { model, graph }: SourceNetwork,
  segment: Segment,
  winograd: WinogradStage | null,
  changed: ChangedAxes,
): Stage {
  const y = placeAxis(graph, segment, 'y', changed.y);
  const x = placeAxis(graph, segment, 'x', changed.x);
  return {
    ports: segment.ports.map((port) => stagePort(graph, port)),
    output: segment.output,
    single: false,
    rows: y.placements,
    columns: x.placements,
    winograd,
    models: winograd
      ? []
      : y.variants.map(([yKey, vertical]) =>
          x.variants.map(([xKey, horizontal]) => ({
            key: `${segment.nodes[0]?.name} ${segment.output} ${yKey} ${xKey}`,
            bytes: segmentModel(model, graph, segment, { y: vertical, x: horizontal }),
          })),
        ),
  };
}

/** Place windows along one axis; those that pad and cut alike share a variant. */
function placeAxis(
  graph: OnnxGraph,
  segment: Segment,
  axis: Axis,
  changed: readonly ChangedRanges[],
): { readonly placements: Placement[]; readonly variants: [string, AxisWindows][] } {
  const variants = new Map<string, AxisWindows>();
  const placements = changed.map((ranges) => {
    const wanted = ranges.get(segment.output) ?? { start: 0, end: 1 };
    const windows = windowsFor(graph, segment, axis, wanted);
    const key = JSON.stringify([[...windows.pads], [...windows.cuts]]);
    if (!variants.has(key)) variants.set(key, windows);
    const variant = [...variants.keys()].indexOf(key);
    return { variant, output: windows.output, ports: windows.ports };
  });
  return { placements, variants: [...variants] };
}

function compileSuffix(
  { model, graph, batch }: SourceNetwork,
  start: number,
  changed: ChangedAxes,
): Stage {
  const wiring = wiringOf(graph);
  const ports = liveAt(graph, wiring, start).map((tensor) =>
    stagePort(graph, { name: `window:${tensor}`, tensor, padValue: null }),
  );
  const place = (extents: readonly number[]): Placement => ({
    variant: 0,
    output: { start: 0, end: 1 },
    ports: extents.map((end) => ({ start: 0, end })),
  });
  const single = batch === 1 || !canBatch(graph);
  const source = single ? { ...graph, folded: forOneImage(graph.folded) } : graph;
  return {
    ports,
    single,
    output: null,
    rows: Array<Placement>(changed.y.length).fill(place(ports.map(({ height }) => height))),
    columns: Array<Placement>(changed.x.length).fill(place(ports.map(({ width }) => width))),
    winograd: null,
    models: [
      [
        {
          key: `from ${start}`,
          bytes: suffixModel(model, source, wiring.withViews(graph.nodes.slice(start)), ports),
        },
      ],
    ],
  };
}

function stagePort(graph: OnnxGraph, port: Port): StagePort {
  const { tensor } = port;
  const [height, width] = [extentOf(graph, tensor, 'y'), extentOf(graph, tensor, 'x')];
  return { ...port, channels: channelsOf(graph, tensor), height, width };
}
