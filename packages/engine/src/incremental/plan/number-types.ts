import { mustGet } from '@umbra/shared/assert';
import type { OnnxGraph } from '../../graph/from-onnx.js';
import type { GraphNode } from '../../graph/graph.js';
import { integerAttribute } from '../../graph/onnx-model.js';
import { onnxType } from '../../graph/onnx-proto.js';
import { isWholeType } from '../../graph/operand.js';

/** Quantize what they read, or compute with what is quantized. */
const quantized = /^(QuantizeLinear|DynamicQuantize|QLinear|QGemm|QAttention|\w+Integer)/;
/** Float32 to whole numbers, in float32: quantization that is written out. */
const steps = new Set(['Round', 'Floor', 'Ceil', 'Sign']);
const truths = new Set(
  'And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor'.split(' '),
);
/** Types that hold every number of float32. */
const wide = new Set<number>([onnxType.float, onnxType.double]);

/**
 * Whether a node brings its numbers to coarser ones, such as float16 or int8. A last bit of float32, by
 * which windows and whole maps differ, may then become a whole step.
 */
export function isRounding(graph: OnnxGraph, node: GraphNode): boolean {
  const { op, inputs } = node;
  const readsMap = inputs.some((name) => graph.axes.has(name));
  if (quantized.test(op) || (steps.has(op) && readsMap)) return true;
  if (op !== 'Cast') return false;
  const type = castType(graph, node);
  // Extents and indices are cast to whole numbers too.
  return isWholeType(type) ? readsMap : !wide.has(type);
}

/** Whether a node gives float32 where it reads float32, as far as its operation says. */
export function givesFloats(graph: OnnxGraph, node: GraphNode): boolean {
  if (node.op === 'Cast') return castType(graph, node) === onnxType.float;
  return node.op !== 'CastLike' && !truths.has(node.op);
}

const castType = (graph: OnnxGraph, node: GraphNode): number =>
  integerAttribute(mustGet(graph.source, node), 'to', onnxType.undefined);
