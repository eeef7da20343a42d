import { invalidInput } from '@umbra/shared';
import type { LoadBackend } from './backend.js';

/** Load a bundle with the runtime of its format; runtimes are imported when first needed. */
export const loadBackend: LoadBackend = async (folder, bundle, options) => {
  if (bundle.format === 'onnx') {
    const { loadOnnxruntime } = await import('./onnxruntime.js');
    return loadOnnxruntime(folder, bundle, options);
  }
  throw invalidInput(`Expected model '${bundle.name}' to be in format onnx, got ${bundle.format}`);
};
