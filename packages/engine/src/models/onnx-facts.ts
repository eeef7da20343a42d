import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { type OnnxModel, readOnnxModel } from '../graph/onnx-model.js';
import type { ReadFacts } from './describe.js';

/** Operations that leave scores what they are. */
const passing = new Set(['Identity', 'Squeeze', 'Flatten', 'Reshape', 'Cast', 'Dropout']);

/** What an ONNX file says of itself. @throws {AppError} `integrity` if it is not ONNX. */
export const readOnnxFacts: ReadFacts = async (folder, file) => {
  const model = await readOnnxModel(join(folder, file), file);
  const shape = model.inputs[0]?.shape ?? [];
  const [, second = null, third = null, last = null] = shape;
  const layout = second === 3 ? 'NCHW' : last === 3 ? 'NHWC' : null;
  const [height, width] = layout === 'NHWC' ? [second, third] : [third, last];
  const outside = [...model.weights.values()].flatMap((weight) => weight.file?.path ?? []);
  return {
    format: 'onnx',
    model: file,
    files: [...new Set([file, ...outside])],
    layout,
    height: layout === null ? null : height,
    width: layout === null ? null : width,
    output: outputOf(model),
  };
};

/** Null after a sigmoid: its scores are neither. Log-probabilities are logits like any others. */
function outputOf({ nodes, outputs }: OnnxModel): ModelBundle['output'] | null {
  let name = outputs[0];
  for (const node of [...nodes].reverse()) {
    if (name === undefined || !node.output?.includes(name)) continue;
    if (node.opType === 'Softmax') return 'probabilities';
    if (node.opType === 'Sigmoid') return null;
    if (!passing.has(node.opType)) return 'logits';
    name = node.input?.[0];
  }
  return 'logits';
}
