import { at } from '@umbra/shared/assert';
import type { Size } from '@umbra/shared/occlusion/grid';
import { type Axis, changedRanges, extentOf, isLocal } from '../../graph/changed-region.js';
import type { OnnxGraph } from '../../graph/from-onnx.js';
import type { GraphNode } from '../../graph/graph.js';
import type { OnnxModel } from '../../graph/onnx-model.js';
import type { Range } from '../../graph/window.js';
import type { IncrementalStop } from '../../types.js';
import { segmentCost, wholeCost } from './cost.js';
import { findStop, runsOnWindows } from './find-stop.js';
import { type Segment, segmentOf } from './segment.js';
import { winogradOf } from './winograd-stage.js';
import { type Wiring, wiringOf } from './wiring.js';

/** Nodes `[start, end)` that run on windows. */
export type PlannedSegment = {
  readonly start: number;
  readonly end: number;
  readonly method: 'direct' | 'winograd';
};

/** How to run a network for patches of one size. */
export type SegmentPlan = {
  /** Run on windows, in order; what follows the last runs whole. Empty: nothing can be cut out. */
  readonly segments: readonly PlannedSegment[];
  /** Cost of a whole run over the cost of the plan, as the cost model has it; null if `macs` is. */
  readonly gain: number | null;
  /** What keeps it from windows any further; null where nothing does. */
  readonly stop: IncrementalStop | null;
  /**
   * Multiply-adds of one position, millions: of the whole network, of the plan, and of the outputs
   * that a patch changes, which no exact method but one of fewer multiplications can do without.
   * null where those of some node are not known.
   */
  readonly macs: PlannedMacs | null;
};

export type PlannedMacs = {
  readonly dense: number;
  readonly incremental: number;
  readonly changed: number;
};

/** Node boundaries that one segment may span: longer ones gained nothing and cost planning time. */
const maxSegment = 16;
/** Distance between the sample positions that a plan is costed on, px. */
const samplePx = 16;

/**
 * Choose segments so that the modelled cost of a position is least.
 *
 * The plan depends on the network, the input and the patch alone, so every worker makes the same.
 *
 * @param patch Extent of the patch, px.
 */
export function planSegments(model: OnnxModel, graph: OnnxGraph, patch: Size): SegmentPlan {
  const dense = wholeCost(graph, graph.nodes, []);
  const stop = findStop(model, graph);
  const isCounted = graph.nodes.every(({ macs }) => macs !== null);
  const { macs } = dense;
  const nothing = {
    segments: [],
    gain: 1,
    stop,
    macs: isCounted ? { dense: macs, incremental: macs, changed: macs } : null,
  };
  const wiring = wiringOf(graph);
  const boundaries = boundariesOf(graph, wiring);
  if (boundaries.length < 2 || stop?.node === null) return nothing;
  const best = cheapestPath(model, graph, boundaries, patch);
  if (!isCounted) return { segments: best.segments, gain: null, stop, macs: null };
  return {
    segments: best.segments,
    gain: dense.ms / best.ms,
    stop,
    macs: { dense: macs, incremental: best.macs, changed: changedMacs(graph, patch) },
  };
}

/** Positions in `nodes` where the network may be cut, from 0 on. */
function boundariesOf(graph: OnnxGraph, { readers, isView }: Wiring): readonly number[] {
  const boundaries = [0];
  for (const [index, node] of graph.nodes.entries()) {
    if (!runsOnWindows(graph, node)) break;
    if (isView(node)) continue;
    const next = graph.nodes.slice(index + 1).find((one) => !isView(one));
    const branches = readers.get(at(node.outputs, 0))?.length !== 1;
    const joins = next?.reach.kind === 'pointwise' && next.macs === 0 && runsOnWindows(graph, next);
    if (branches || !joins) boundaries.push(index + 1);
  }
  return boundaries;
}

type Path = {
  readonly ms: number;
  readonly macs: number;
  readonly segments: readonly PlannedSegment[];
};

/** Find the cheapest path from the input through segments to a whole run of the rest. */
function cheapestPath(
  model: OnnxModel,
  graph: OnnxGraph,
  boundaries: readonly number[],
  patch: Size,
): Path {
  const wiring = wiringOf(graph);
  const local = graph.nodes.slice(0, boundaries.at(-1));
  const changed = sampleChanges(graph, local, patch);
  const costOf = (segment: Segment) => {
    const wanted = (axis: 'y' | 'x'): Range[] =>
      changed[axis].map((ranges) => ranges.get(segment.output) ?? { start: 0, end: 1 });
    return segmentCost(graph, segment, { y: wanted('y'), x: wanted('x') });
  };
  const paths: (Path | null)[] = [{ ms: 0, macs: 0, segments: [] }];
  let best: Path = { ms: Number.POSITIVE_INFINITY, macs: 0, segments: [] };
  for (const [to, end] of boundaries.entries()) {
    for (let from = Math.max(0, to - maxSegment); from < to; from++) {
      const before = paths[from];
      const start = at(boundaries, from);
      const segment = before == null ? null : segmentOf(graph, start, end, wiring);
      if (before == null || segment === null) continue;
      const cost = costOf(segment);
      const winograd = cost.winograd < cost.direct && winogradOf(model, graph, segment) !== null;
      const ms = before.ms + (winograd ? cost.winograd : cost.direct);
      if (ms >= (paths[to]?.ms ?? Number.POSITIVE_INFINITY)) continue;
      const method = winograd ? 'winograd' : 'direct';
      paths[to] = {
        ms,
        macs: before.macs + cost.macs,
        segments: [...before.segments, { start, end, method }],
      };
    }
    const path = paths[to];
    if (path == null || to === 0) continue;
    const whole = wholeCost(graph, graph.nodes.slice(end), liveAt(graph, wiring, end));
    const ms = path.ms + whole.ms;
    if (ms < best.ms) best = { ...path, ms, macs: path.macs + whole.macs };
  }
  return best;
}

/** Find what patches at sample positions change, along each axis. */
function sampleChanges(graph: OnnxGraph, local: readonly GraphNode[], patch: Size) {
  const along = (axis: Axis, length: number) =>
    sampleRanges(extentOf(graph, graph.input, axis), length).map((range) =>
      changedRanges(graph, local, axis, range),
    );
  return { y: along('y', patch.height), x: along('x', patch.width) };
}

/** Mean multiply-adds of changed outputs, millions; what is not local changes whole. */
function changedMacs(graph: OnnxGraph, patch: Size): number {
  const end = graph.nodes.findIndex((node) => !isLocal(graph, node));
  const local = end < 0 ? graph.nodes : graph.nodes.slice(0, end);
  const changed = sampleChanges(graph, local, patch);
  const changedFraction = (axis: Axis, tensor: string): number => {
    const lengths = changed[axis].map((ranges) => {
      const { start, end: stop } = ranges.get(tensor) ?? { start: 0, end: 0 };
      return stop - start;
    });
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    return mean / extentOf(graph, tensor, axis);
  };
  const rest = wholeCost(graph, graph.nodes.slice(local.length), []).macs;
  return local.reduce((sum, node) => {
    const tensor = at(node.outputs, 0);
    const { macs } = wholeCost(graph, [node], []);
    return sum + macs * changedFraction('y', tensor) * changedFraction('x', tensor);
  }, rest);
}

/** Tensors made before a boundary and read after it, but for those of views. */
export function liveAt(
  graph: OnnxGraph,
  { readers, isView }: Wiring,
  end: number,
): readonly string[] {
  const before = graph.nodes.slice(0, end).filter((node) => !isView(node));
  const made = [graph.input, ...before.flatMap(({ outputs }) => outputs)];
  return made.filter((tensor) => readers.get(tensor)?.some((reader) => reader >= end));
}

function sampleRanges(extent: number, patch: number): Range[] {
  const count = Math.max(1, Math.ceil((extent - patch) / samplePx) + 1);
  return Array.from({ length: count }, (_, index) => {
    const start = Math.min(index * samplePx, Math.max(0, extent - patch));
    return { start, end: Math.min(extent, start + patch) };
  });
}
