import type { Axis } from '../../graph/changed-region.js';
import { changedRanges, extentOf } from '../../graph/changed-region.js';
import type { OnnxGraph } from '../../graph/from-onnx.js';
import { type GraphNode, readersOf } from '../../graph/graph.js';
import type { OnnxModel } from '../../graph/onnx-model.js';
import type { Range } from '../../graph/window.js';
import { liveAt, type PlannedSegment } from './plan-segments.js';
import { type AxisWindows, type Port, type Segment, segmentOf, windowsFor } from './segment.js';
import { segmentModel, suffixModel } from './segment-model.js';
import { type Winograd, winogradOf } from './winograd-stage.js';

/** A port of a stage with the extents of the map that it reads. */
export type StagePort = Port & {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
};

/** Where the windows of one row (or column) of positions lie. */
export type Placement = {
  /** Which of the stage's models, along this axis. */
  readonly variant: number;
  readonly output: Range;
  /** One range a port. */
  readonly ports: readonly Range[];
};

/** An ONNX file and a name that tells it from all others of the network. */
export type StageModel = { readonly key: string; readonly bytes: Uint8Array };

/** A segment ready to run: its models, and the windows of every row and column of positions. */
export type Stage = {
  readonly ports: readonly StagePort[];
  /** The tensor that it computes; null for the last stage, which gives rows of class scores. */
  readonly output: string | null;
  /** One a distinct vertical range of boxes, and at the end the whole map. */
  readonly rows: readonly Placement[];
  readonly columns: readonly Placement[];
  /** By vertical, then horizontal variant; none where Winograd's method runs it. */
  readonly models: readonly (readonly StageModel[])[];
  readonly winograd: Winograd | null;
};

/** What threads run to score boxes incrementally. */
export type Program = {
  readonly input: string;
  /** Extents of the network's input: one map with channels last. */
  readonly inputShape: Pick<StagePort, 'height' | 'width' | 'channels'>;
  readonly stages: readonly Stage[];
};

/**
 * Turn a plan into what threads run.
 *
 * @param rows, columns Distinct extents of the boxes, px of the network's input.
 */
export function compileProgram(
  model: OnnxModel,
  graph: OnnxGraph,
  segments: readonly PlannedSegment[],
  rows: readonly Range[],
  columns: readonly Range[],
): Program {
  const end = segments.at(-1)?.end ?? 0;
  const prefix = graph.nodes.slice(0, end);
  const changedAlong = (axis: Axis, ranges: readonly Range[]): Changed[] => [
    ...ranges.map((range) => changedRanges(graph, prefix, axis, range)),
    wholeMaps(graph, prefix, axis),
  ];
  const changed = { y: changedAlong('y', rows), x: changedAlong('x', columns) };
  const readers = readersOf(graph);
  const stages = segments.map((planned) => {
    const segment = segmentOf(graph, planned.start, planned.end, readers);
    if (segment === null) throw new Error(`Expected a segment before node ${planned.end}`);
    const winograd = planned.method === 'winograd' ? winogradOf(model, graph, segment) : null;
    return compileStage(model, graph, segment, winograd, changed);
  });
  return {
    input: graph.input,
    inputShape: stagePort(graph, { name: '', tensor: graph.input, padValue: null }),
    stages: [...stages, compileSuffix(model, graph, end, rows.length + 1, columns.length + 1)],
  };
}

/** Every map whole: more than a changed input can alter, where padding is as wide as a kernel. */
const wholeMaps = (graph: OnnxGraph, nodes: readonly GraphNode[], axis: Axis): Changed =>
  new Map(
    [graph.input, ...nodes.flatMap(({ outputs }) => outputs)].map((tensor) => [
      tensor,
      { start: 0, end: extentOf(graph, tensor, axis) },
    ]),
  );

type Changed = ReadonlyMap<string, Range>;

function compileStage(
  model: OnnxModel,
  graph: OnnxGraph,
  segment: Segment,
  winograd: Winograd | null,
  changed: { readonly y: readonly Changed[]; readonly x: readonly Changed[] },
): Stage {
  const y = placeAxis(graph, segment, 'y', changed.y);
  const x = placeAxis(graph, segment, 'x', changed.x);
  return {
    ports: segment.ports.map((port) => stagePort(graph, port)),
    output: segment.output,
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

/** Windows along one axis; those that pad and cut alike share a variant. */
function placeAxis(
  graph: OnnxGraph,
  segment: Segment,
  axis: Axis,
  changed: readonly Changed[],
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
  model: OnnxModel,
  graph: OnnxGraph,
  start: number,
  rows: number,
  columns: number,
): Stage {
  const ports = liveAt(graph, readersOf(graph), start).map((tensor) =>
    stagePort(graph, { name: `window:${tensor}`, tensor, padValue: null }),
  );
  const place = (extents: readonly number[]): Placement => ({
    variant: 0,
    output: { start: 0, end: 1 },
    ports: extents.map((end) => ({ start: 0, end })),
  });
  return {
    ports,
    output: null,
    rows: Array<Placement>(rows).fill(place(ports.map(({ height }) => height))),
    columns: Array<Placement>(columns).fill(place(ports.map(({ width }) => width))),
    winograd: null,
    models: [
      [
        {
          key: `from ${start}`,
          bytes: suffixModel(model, graph, graph.nodes.slice(start), ports),
        },
      ],
    ],
  };
}

function stagePort(graph: OnnxGraph, port: Port): StagePort {
  const [, channels = 0, height = 0, width = 0] = graph.shapes.get(port.tensor) ?? [];
  return { ...port, channels, height, width };
}
