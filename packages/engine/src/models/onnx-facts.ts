import { join } from 'node:path';
import type { OutputKind } from '@umbra/shared/contracts/model';
import type { OnnxModel } from '../graph/onnx-model.js';
import { onnxType } from '../graph/onnx-proto.js';
import { type DeclaredOutput, widthOf } from '../graph/scores-output.js';
import { type ReadFacts, readInputShape } from './facts.js';
import { readOnnxModel } from './read-onnx-model.js';

/** Operations that do not change scores. */
const passing = new Set(
  'Identity Squeeze Unsqueeze Flatten Reshape Cast Dropout QuantizeLinear DequantizeLinear'.split(
    ' ',
  ),
);

/** Types of whole numbers that hold pixels as they are, 0 to 255: int8 does not. */
const pixelTypes = new Set<number>([
  onnxType.uint8,
  onnxType.uint16,
  onnxType.int16,
  onnxType.int32,
  onnxType.int64,
  onnxType.uint32,
  onnxType.uint64,
]);
/** Operations that choose one scale for all images of a batch. */
const rangeOfAll = 'DynamicQuantize';

/** Read an ONNX file's facts. @throws {AppError} `integrity` if it is not ONNX. */
export const readOnnxFacts: ReadFacts = async (folder, file) => {
  const model = await readOnnxModel(join(folder, file), file);
  const [image] = model.inputs;
  const files = new Set([file]);
  for (const weight of model.weights.values()) if (weight.file) files.add(weight.file.path);
  return {
    format: 'onnx',
    model: file,
    files: [...files],
    ...readInputShape(image?.shape ?? []),
    scale: image !== undefined && pixelTypes.has(image.type) ? 1 : null,
    outputs: model.outputs.map((output) => ({ ...output, kind: kindOf(model, output) })),
    batch: model.nodes.some(({ opType }) => opType.startsWith(rangeOfAll)) ? 1 : null,
  };
};

/** The kind that each last operation gives. Log-probabilities are logits: their softmax is the same. */
const kindByOp: Readonly<Record<string, OutputKind>> = {
  Softmax: 'probabilities',
  LogSoftmax: 'logits',
  Sigmoid: 'independent-probabilities',
};

/** Operations after which a single number is a logit. */
const products = new Set(['Gemm', 'MatMul', 'Conv']);

/**
 * Kind of an output's numbers, as its last operation states it. Of several numbers a product may be
 * logits of either kind: null, as after any other operation.
 */
function kindOf({ nodes }: OnnxModel, output: DeclaredOutput): OutputKind | null {
  const makers = new Map(nodes.flatMap((node) => node.output.map((name) => [name, node])));
  let node = makers.get(output.name);
  while (node !== undefined && passing.has(node.opType)) node = makers.get(node.input[0] ?? '');
  if (node === undefined) return null;
  // A bias that is added by a node of its own.
  const sources = node.opType === 'Add' ? node.input.map((name) => makers.get(name)) : [node];
  const isLogit =
    widthOf(output) === 1 && sources.some((source) => products.has(source?.opType ?? ''));
  return kindByOp[node.opType] ?? (isLogit ? 'independent-logits' : null);
}
