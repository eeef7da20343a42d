/** Operators that give each element of their first input another value. */
export const unaryOperators =
  'Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Cast CastLike Ceil Celu Clip Cos Cosh Elu Erf ' +
  'Exp Floor Gelu HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log Mish Neg Not ' +
  'Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ' +
  'ThresholdedRelu BiasGelu FastGelu QuickGelu';
/** Elementwise operators over operands that are broadcast to one shape. */
export const broadcastOperators =
  'Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less ' +
  'LessOrEqual Max Mean Min Mod Mul Or PRelu Pow Sub Sum Where Xor';
/** Operators that make one number of all along some axes. */
export const reductions =
  'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ' +
  'ReduceSum ReduceSumSquare';
/** Operators whose output has the shape of their first input. */
export const shapeKeepers =
  'BatchNormalization BitCast CumSum DequantizeLinear Dropout GroupNormalization Hardmax ' +
  'InstanceNormalization LayerNormalization LogSoftmax LpNormalization LRN ' +
  'MeanVarianceNormalization QuantizeLinear RMSNormalization RandomNormalLike RandomUniformLike ' +
  'ReverseSequence RotaryEmbedding ScatterElements ScatterND SimplifiedLayerNormalization ' +
  'SkipLayerNormalization SkipSimplifiedLayerNormalization Softmax TensorScatter Trilu EyeLike ' +
  'QLinearLeakyRelu QLinearSigmoid QLinearSoftmax';
