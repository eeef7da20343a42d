import type { TensorShape } from './graph.js';
import type { NodeProto } from './onnx-proto.js';
import type { Operands } from './operand.js';

/**
 * Infers the shapes of a node's outputs from those of its operands.
 *
 * @returns One an output; null, or nothing at all, where it is not known.
 */
export type ShapeRule = (
  node: NodeProto,
  operands: Operands,
  opset: number,
) => readonly (TensorShape | null)[];

/** Rules by the operator's name, without its domain. */
export type ShapeRules = Readonly<Record<string, ShapeRule>>;
