import { at } from '@umbra/shared/assert';
import type { OnnxGraph } from '../../graph/from-onnx.js';
import type { GraphNode } from '../../graph/graph.js';
import { attributeOf, type OnnxModel, type Weight } from '../../graph/onnx-model.js';
import { onnxType, type TensorProto } from '../../graph/onnx-proto.js';
import type { WinogradStage } from '../types.js';
import type { Segment } from './segment.js';

/** Fewer channels make products too small to gain from. */
const minChannels = 16;

/** @returns null unless the segment is such a convolution. */
export function winogradOf(
  model: OnnxModel,
  graph: OnnxGraph,
  segment: Segment,
): WinogradStage | null {
  const [conv] = segment.nodes;
  const source = conv && graph.source.get(conv);
  if (conv === undefined || source === undefined || !isPlainConv(conv)) return null;
  // A convolution may have no bias.
  const [, weightName = '', biasName = ''] = source.input;
  const weight = model.weights.get(weightName);
  const bias = biasName === '' ? null : (model.weights.get(biasName) ?? undefined);
  if (!isFloat(weight) || (bias !== null && !isFloat(bias))) return null;
  const [outputs, inputs] = [at(weight.shape, 0), at(weight.shape, 1)];
  if (outputs % 4 || inputs % 4 || Math.min(outputs, inputs) < minChannels) return null;
  const tail = readTail(model, graph, segment);
  const { reach } = conv;
  if (tail === null || reach.kind !== 'window') return null;
  const padBegin = { y: reach.y.padBegin, x: reach.x.padBegin };
  return { weight, bias, padBegin, ...tail };
}

function isPlainConv({ op, groups, reach }: GraphNode): boolean {
  if (op !== 'Conv' || groups !== 1 || reach.kind !== 'window') return false;
  return [reach.y, reach.x].every(
    ({ kernel, stride, dilation }) => kernel === 3 && stride === 1 && dilation === 1,
  );
}

const isFloat = (weight: Weight | undefined): weight is Weight =>
  weight?.dataType === onnxType.float &&
  (weight.file !== null || weight.proto.rawData !== undefined);

/** Read what follows the convolution: an addition, then a clamp; either may be missing. */
function readTail(
  model: OnnxModel,
  graph: OnnxGraph,
  segment: Segment,
): Pick<WinogradStage, 'other' | 'low' | 'high'> | null {
  const [conv, ...nodes] = segment.nodes;
  let last = conv?.outputs[0];
  let other: number | null = null;
  let range: [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  let clamped = false;
  for (const node of nodes) {
    const source = graph.source.get(node);
    if (last === undefined || !node.inputs.includes(last)) return null;
    if (source === undefined || clamped) return null;
    if (node.op === 'Add' && node.inputs.length === 2 && other === null) {
      const added = node.inputs.find((name) => name !== last);
      other = segment.ports.findIndex(
        ({ tensor, padValue }) => tensor === added && padValue === null,
      );
      if (other < 0) return null;
    } else if (node.op === 'Relu') {
      range = [0, Number.POSITIVE_INFINITY];
      clamped = true;
    } else if (node.op === 'Clip') {
      const [low, high] = source.input.slice(1).map((name) => scalarOf(model, name));
      if (low == null || high == null) return null;
      range = [low, high];
      clamped = true;
    } else return null;
    last = node.outputs[0];
  }
  return { other, low: range[0], high: range[1] };
}

/** A constant of one number, from a weight or a `Constant` node. */
function scalarOf(model: OnnxModel, name: string): number | null {
  const node = model.nodes.find(
    ({ opType, output }) => opType === 'Constant' && output[0] === name,
  );
  const tensor: TensorProto | undefined = node
    ? attributeOf(node, 'value')?.t
    : model.weights.get(name)?.proto;
  if (tensor?.dataType !== onnxType.float) return null;
  if (tensor.floatData?.length === 1) return tensor.floatData[0] ?? null;
  const bytes = tensor.rawData;
  return bytes?.length === 4 ? Buffer.from(bytes).readFloatLE(0) : null;
}
