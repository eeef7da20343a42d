import type { Graph, GraphNode } from './graph.js';
import type { AxisWindow, Range } from './window.js';

/**
 * What the units of a map see along one axis: unit `o` sees `size` px whose middle is
 * `start + o * jump`; px are counted from 0 at the first pixel's centre.
 */
export type AxisField = { readonly size: number; readonly jump: number; readonly start: number };

/** What the units of a tensor see of the network's input. */
export type ReceptiveField =
  | { readonly kind: 'window'; readonly y: AxisField; readonly x: AxisField }
  /** Each unit may see the whole input. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'unknown' };

const pixel: AxisField = { size: 1, jump: 1, start: 0 };

/**
 * The receptive field of every computed tensor; where branches meet, their union.
 *
 * @see Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks",
 *   Distill 2019, for the arithmetic.
 */
export function receptiveFields(graph: Graph): ReadonlyMap<string, ReceptiveField> {
  const fields = new Map<string, ReceptiveField>([
    [graph.input, { kind: 'window', y: pixel, x: pixel }],
  ]);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => fields.get(name) ?? { kind: 'unknown' as const });
    const field = seenThrough(node, inputs.reduce(union));
    for (const name of node.outputs) fields.set(name, field);
  }
  return fields;
}

/** Pixels that one unit sees along an axis; they may lie outside the image, in padding. */
export function fieldOfUnit({ size, jump, start }: AxisField, unit: number): Range {
  const first = start + unit * jump - (size - 1) / 2;
  return { start: first, end: first + size };
}

function seenThrough({ reach }: GraphNode, field: ReceptiveField): ReceptiveField {
  if (field.kind === 'whole' || reach.kind === 'global') return { kind: 'whole' };
  if (field.kind === 'unknown' || reach.kind === 'unknown') return { kind: 'unknown' };
  if (reach.kind === 'pointwise') return field;
  return { kind: 'window', y: widen(field.y, reach.y), x: widen(field.x, reach.x) };
}

function widen({ size, jump, start }: AxisField, window: AxisWindow): AxisField {
  const more = (window.kernel - 1) * window.dilation;
  return {
    size: size + more * jump,
    jump: jump * window.stride,
    start: start + (more / 2 - window.padBegin) * jump,
  };
}

function union(a: ReceptiveField, b: ReceptiveField): ReceptiveField {
  if (a.kind === 'whole' || b.kind === 'whole') return { kind: 'whole' };
  if (a.kind === 'unknown' || b.kind === 'unknown') return { kind: 'unknown' };
  if (a.y.jump !== b.y.jump || a.x.jump !== b.x.jump) return { kind: 'unknown' };
  return { kind: 'window', y: unionAlong(a.y, b.y), x: unionAlong(a.x, b.x) };
}

function unionAlong(a: AxisField, b: AxisField): AxisField {
  const [one, other] = [fieldOfUnit(a, 0), fieldOfUnit(b, 0)];
  const start = Math.min(one.start, other.start);
  const size = Math.max(one.end, other.end) - start;
  return { size, jump: a.jump, start: start + (size - 1) / 2 };
}
