import { at } from '@umbra/shared/assert';
import type { TensorShape } from './graph.js';
import { hasSubgraph, integerAttribute } from './onnx-model.js';
import type { NodeProto } from './onnx-proto.js';
import { integersAttribute, type Operands, sizeOf } from './operand.js';
import { broadcastOperators, reductions, unaryOperators } from './operators.js';
import { readAttention, readEinsum } from './shape-rules-products.js';

/** Counts a node's multiply-adds; NaN or null where they are not known. */
type CountRule = (node: NodeProto, operands: Operands, output: TensorShape | null) => number | null;

/**
 * Count a node's multiply-adds for one image: those of convolutions, products of matrices, attention
 * and recurrences. What works element by element, pools, normalizes, or moves numbers has none.
 *
 * @param output Shape of its first output.
 * @returns null where they are not known.
 */
export function countMacs(
  node: NodeProto,
  operands: Operands,
  output: TensorShape | null,
): number | null {
  const { domain = '', opType } = node;
  if (!knownDomains.has(domain) || hasSubgraph(node)) return null;
  if (free.has(opType)) return 0;
  const count = rules.get(opType)?.(node, operands, output);
  return count != null && Number.isFinite(count) ? count : null;
}

const knownDomains = new Set(['', 'ai.onnx', 'com.microsoft']);

/** Each output is a sum over a kernel's weights. */
const convolve =
  (weight: number): CountRule =>
  (_node, operands, output) => {
    const shape = operands[weight]?.shape;
    return output && shape ? sizeOf(output) * sizeOf(shape.slice(1)) : null;
  };

/** Each input is multiplied by all weights of its channel. */
const convTranspose: CountRule = (_node, [input, weight]) =>
  input?.shape && weight?.shape ? sizeOf(input.shape) * sizeOf(weight.shape.slice(1)) : null;

/** Each output is a sum over the last axis of the first operand. */
const product: CountRule = (node, [a], output) => {
  const axis = integerAttribute(node, 'transA', 0) === 1 ? -2 : -1;
  const depth = a?.shape?.at(axis);
  return output && depth !== undefined ? sizeOf(output) * depth : null;
};

const einsum: CountRule = (node, operands) => {
  const read = readEinsum(node, operands);
  // The order in which three operands are multiplied is the runtime's choice.
  if (read === null || read.inputs.length > 2) return null;
  const contracts = [...read.extents.keys()].some((label) => !read.output.includes(label));
  return read.inputs.length === 2 && contracts ? sizeOf([...read.extents.values()]) : 0;
};

const attention: CountRule = (node, operands, output) => {
  if (node.domain === 'com.microsoft') return microsoftAttention(node, operands, output);
  const read = readAttention(node, operands);
  if (read === null) return null;
  const { batch, heads, queries, keys, headSize, valueSize } = read;
  return batch * heads * queries * keys * (headSize + valueSize);
};

/** Products with the weights [inputs, queries + keys + values], then those of each head. */
const microsoftAttention: CountRule = (node, [input, weight]) => {
  const [batch, length, inputs] = input?.shape ?? [];
  const columns = weight?.shape?.[1];
  if (
    batch === undefined ||
    length === undefined ||
    inputs === undefined ||
    columns === undefined
  ) {
    return null;
  }
  const sizes = integersAttribute(node, 'qkv_hidden_sizes');
  const [queries = columns / 3, , values = columns / 3] = sizes;
  return batch * length * (inputs * columns + length * (queries + values));
};

const multiHead: CountRule = (_node, [query, key, value, , , , pastKey]) => {
  const [batch, length, size] = query?.shape ?? [];
  if (batch === undefined || length === undefined || size === undefined) return null;
  if (key?.shape?.length !== 3 || value?.shape?.length !== 3) return null;
  const keys = at(key.shape, 1) + (pastKey?.shape?.[2] ?? 0);
  return batch * length * keys * (size + at(value.shape, 2));
};

const groupQuery: CountRule = (_node, [query, key, , pastKey]) => {
  const [batch, length, size] = query?.shape ?? [];
  if (batch === undefined || length === undefined || size === undefined) return null;
  if (key?.shape?.length !== 3) return null;
  const keys = at(key.shape, 1) + (pastKey?.shape?.[2] ?? 0);
  return batch * length * keys * 2 * size;
};

const recurrent: CountRule = (_node, [input, weight, recurrence]) => {
  const [length, batch] = input?.shape ?? [];
  if (length === undefined || batch === undefined || !weight?.shape || !recurrence?.shape) {
    return null;
  }
  return length * batch * (sizeOf(weight.shape) + sizeOf(recurrence.shape));
};

const rules: ReadonlyMap<string, CountRule> = new Map(
  Object.entries({
    Conv: convolve(1),
    FusedConv: convolve(1),
    ConvInteger: convolve(1),
    DeformConv: convolve(1),
    QLinearConv: convolve(3),
    ConvTranspose: convTranspose,
    MatMul: product,
    MatMulInteger: product,
    MatMulIntegerToFloat: product,
    DynamicQuantizeMatMul: product,
    QLinearMatMul: product,
    FusedMatMul: product,
    MatMulNBits: product,
    Gemm: product,
    FusedGemm: product,
    QGemm: product,
    Einsum: einsum,
    Attention: attention,
    QAttention: microsoftAttention,
    MultiHeadAttention: multiHead,
    GroupQueryAttention: groupQuery,
    LSTM: recurrent,
    DynamicQuantizeLSTM: recurrent,
    GRU: recurrent,
    RNN: recurrent,
  }),
);

/** Operators without multiply-adds. One that is in neither list has a count that is not known. */
const free: ReadonlySet<string> = new Set(
  [
    unaryOperators,
    broadcastOperators,
    reductions,
    'ArgMax ArgMin CumSum CumProd TopK',
    'BatchNormalization GroupNormalization InstanceNormalization LayerNormalization ' +
      'LpNormalization LRN MeanVarianceNormalization RMSNormalization ' +
      'SimplifiedLayerNormalization SkipLayerNormalization SkipSimplifiedLayerNormalization ' +
      'Softmax LogSoftmax Hardmax',
    'AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool MaxUnpool ' +
      'MaxRoiPool RoiAlign GridSample Resize Upsample',
    'Concat Split Slice Gather GatherElements GatherND Reshape Flatten Transpose Squeeze ' +
      'Unsqueeze Expand Tile Pad Compress CenterCropPad Col2Im DepthToSpace SpaceToDepth ' +
      'ReverseSequence RotaryEmbedding Scatter ScatterElements ScatterND TensorScatter Trilu ' +
      'OneHot Unique NonZero NonMaxSuppression',
    'Shape Size Constant ConstantOfShape EyeLike Range Dropout RandomNormal RandomNormalLike ' +
      'RandomUniform RandomUniformLike Bernoulli',
    'QuantizeLinear DequantizeLinear DynamicQuantizeLinear QLinearAdd QLinearMul QLinearConcat ' +
      'QLinearLeakyRelu QLinearSigmoid QLinearSoftmax QLinearAveragePool ' +
      'QLinearGlobalAveragePool',
  ]
    .join(' ')
    .split(' '),
);
