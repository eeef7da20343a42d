import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { OnnxModel } from '../graph/onnx-model.js';
import type { ReadFacts } from './facts.js';
import { readOnnxModel } from './read-onnx-model.js';

/** Operations that do not change scores. */
const passing = new Set(['Identity', 'Squeeze', 'Flatten', 'Reshape', 'Cast', 'Dropout']);

/** Read an ONNX file's facts. @throws {AppError} `integrity` if it is not ONNX. */
export const readOnnxFacts: ReadFacts = async (folder, file) => {
  const model = await readOnnxModel(join(folder, file), file);
  const [image] = model.inputs;
  const [, second = null, third = null, last = null] = image === undefined ? [] : image.shape;
  const layout = second === 3 ? 'NCHW' : last === 3 ? 'NHWC' : null;
  const [height, width] = layout === 'NHWC' ? [second, third] : [third, last];
  const files = new Set([file]);
  for (const weight of model.weights.values()) if (weight.file) files.add(weight.file.path);
  return {
    format: 'onnx',
    model: file,
    files: [...files],
    layout,
    height: layout === null ? null : height,
    width: layout === null ? null : width,
    output: outputOf(model),
  };
};

/** Unit of a model's scores; null after a sigmoid, whose scores are neither. Log-probabilities are logits. */
function outputOf({ nodes, outputs }: OnnxModel): ModelBundle['output'] | null {
  let [name] = outputs;
  for (const node of [...nodes].reverse()) {
    if (name === undefined || !node.output.includes(name)) continue;
    if (node.opType === 'Softmax') return 'probabilities';
    if (node.opType === 'Sigmoid') return null;
    if (!passing.has(node.opType)) return 'logits';
    [name] = node.input;
  }
  return 'logits';
}
