import { integrity } from '@umbra/shared/errors';
import type { Classification, InputStream } from '../types.js';
import { minBatch, type WholeModel } from './evaluate.js';
import { runInputs } from './run-inputs.js';

/**
 * Run whole inputs: see `OpenModel.classify`. No batch has fewer images than in a run of `occlude`, so
 * that the numbers are the same.
 */
export async function* classify(
  { threads, bundle, head, batchBytes }: WholeModel,
  inputs: InputStream,
  signal?: AbortSignal,
): AsyncGenerator<Classification> {
  const { inferenceThreads, run } = threads;
  const runner = { bundle, inferenceThreads, batchBytes, minImages: minBatch, run };
  let nth = 0;
  for await (const output of runInputs(runner, inputs, signal)) {
    if (output.some(Number.isNaN)) {
      throw integrity(`Model '${bundle.name}' gives NaN for input ${nth}`);
    }
    nth += 1;
    yield {
      output,
      predicted: head.predict(output),
      probability: (index) => head.score(output, index, 'probability'),
    };
  }
}
