import type { MapAxes, Reach, TensorShape } from './graph.js';
import type { NodeProto } from './onnx-proto.js';
import type { Operand, Operands } from './operand.js';

/** How a node's outputs depend on its inputs in space, and where their rows and columns lie. */
export type NodeReach = {
  readonly reach: Reach;
  /** Those of every output; null where they are no maps, or where that is not known. */
  readonly axes: MapAxes | null;
};

export type NodeContext = {
  readonly node: NodeProto;
  readonly operands: Operands;
  /** Shape of the first output. */
  readonly output: TensorShape | null;
  /** Version of ONNX's operator set. */
  readonly opset: number;
};
/** Finds how one operation reaches in space. */
export type ReachRule = (context: NodeContext) => NodeReach;

export const unknown: NodeReach = { reach: { kind: 'unknown' }, axes: null };
export const globally: NodeReach = { reach: { kind: 'global' }, axes: null };
export const planar: MapAxes = { y: 2, x: 3 };
export const pointwise = (axes: MapAxes): NodeReach => ({ reach: { kind: 'pointwise' }, axes });

/** The one computed operand, if that is the first and a map; its other operands are constants. */
export function onlyMap([input, ...others]: Operands): (Operand & Mapped) | null {
  const single = input !== undefined && others.every((one) => one === undefined || one.constant);
  return single && isMapped(input) ? input : null;
}

export type Mapped = { readonly axes: MapAxes; readonly shape: TensorShape };
export const isMapped = (operand: Operand | undefined): operand is Operand & Mapped =>
  operand !== undefined && operand.axes !== null && operand.shape !== null;

/** Whether an axis tells images, rows or columns apart. */
export const isPlace = (axis: number, { y, x }: MapAxes): boolean =>
  axis === 0 || axis === y || axis === x;
