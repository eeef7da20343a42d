import type { LayerKind } from './graph.js';
import { type Operands, sizeOf } from './operand.js';

const kinds: Readonly<Partial<Record<LayerKind, string>>> = {
  convolution: 'Conv ConvTranspose',
  pooling: 'MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool ReduceMean ReduceMax',
  activation:
    'Relu LeakyRelu PRelu Sigmoid Tanh Clip Elu Selu Celu HardSigmoid HardSwish Softplus Softsign ' +
    'Gelu Mish ThresholdedRelu Softmax LogSoftmax',
  normalization: 'BatchNormalization InstanceNormalization LayerNormalization LRN',
  dense: 'Gemm MatMul',
  combination: 'Add Sub Mul Div Max Min Sum Mean Concat',
  padding: 'Pad',
  reshaping: 'Flatten Reshape Squeeze Unsqueeze Transpose Identity Dropout',
};
const kindByOp = new Map(
  Object.entries(kinds).flatMap(([kind, ops]) =>
    ops.split(' ').map((op): [string, LayerKind] => [op, kind as LayerKind]),
  ),
);
/** Find the category of a layer by ONNX's word for its operation. */
export const kindOf = (op: string): LayerKind => kindByOp.get(op) ?? 'other';

const trainable = new Set(['Conv', 'Gemm', 'MatMul', 'BatchNormalization', 'PRelu', 'Add', 'Mul']);

/** Count the trained numbers of a layer; a constant whose shape is not known counts as one. */
export const countParameters = (op: string, operands: Operands): number =>
  (trainable.has(op) ? operands : [])
    .filter((operand) => operand?.constant)
    .reduce((sum, operand) => sum + (operand?.shape ? sizeOf(operand.shape) : 1), 0);
