import { invalidInput } from '@umbra/shared/errors';
import type { LoadBackend } from './backend.js';
import { runOneByOne } from './run-in-batches.js';

/** Load a bundle with the runtime of its format; runtimes are imported when first needed. */
export const loadBackend: LoadBackend = async (folder, bundle, options) => {
  const backend = await load(folder, bundle, options);
  return bundle.batch === 1 ? runOneByOne(backend) : backend;
};

const load: LoadBackend = async (folder, bundle, options) => {
  if (bundle.format === 'onnx') {
    const { loadOnnxruntime } = await import('./onnxruntime.js');
    return loadOnnxruntime(folder, bundle, options);
  }
  if (options.provider !== 'cpu') {
    throw invalidInput(
      `Expected execution provider 'cpu' for model '${bundle.name}': ${options.provider} runs ONNX models; TensorFlow.js chooses its own backend`,
    );
  }
  const { loadTfjs } = await import('./tfjs.js');
  return loadTfjs(folder, bundle, options.tfjs);
};
