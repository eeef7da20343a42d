import { createRequire } from 'node:module';
import { join } from 'node:path';
import { integrity, invalidInput, type ModelBundle } from '@umbra/shared';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Backend } from './backend.js';

const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as {
  version: string;
};

/**
 * Load an ONNX model into one session.
 *
 * @throws {AppError} `integrity` if the file is not a model that onnxruntime can load;
 *   `invalid_input` unless it has one image input and gives one row of scores an image.
 */
export async function loadOnnxruntime(
  folder: string,
  bundle: ModelBundle,
  threads: number,
): Promise<Backend> {
  const session = await createSession(join(folder, bundle.model), bundle, threads);
  const [input, ...otherInputs] = session.inputNames;
  const [output] = session.outputNames;
  if (input === undefined || output === undefined || otherInputs.length > 0) {
    throw invalidInput(
      `Expected model '${bundle.name}' to have one input, got ${session.inputNames.join(', ')}`,
    );
  }
  return {
    name: 'onnxruntime',
    version,
    device: 'cpu',
    async run(batch, count, height, width) {
      const shape =
        bundle.input.layout === 'NCHW' ? [count, 3, height, width] : [count, height, width, 3];
      const results = await session
        .run({ [input]: new Tensor('float32', batch, shape) }, [output])
        .catch((error: unknown) => {
          throw invalidInput(
            `Model '${bundle.name}' does not run on input [${shape}]: ${messageOf(error)}`,
            error,
          );
        });
      return rowsOf(results[output], count, bundle.name);
    },
    close: () => session.release(),
  };
}

/** @param threads One, where other lanes run too: they gain more than threads of one session do. */
export const sessionOptions = (threads: number): InferenceSession.SessionOptions => ({
  executionProviders: ['cpu'],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
  // Threads that wait by spinning would take the cores of other lanes.
  extra: { session: { intra_op: { allow_spinning: '0' } } },
});

async function createSession(
  path: string,
  bundle: ModelBundle,
  threads: number,
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(path, sessionOptions(threads));
  } catch (error) {
    throw integrity(
      `Expected '${bundle.model}' of model '${bundle.name}' to be an ONNX model that onnxruntime ${version} loads: ${messageOf(error)}`,
      error,
    );
  }
}

function rowsOf(tensor: Tensor | undefined, count: number, name: string): Float32Array {
  const dims = tensor?.dims ?? [];
  const classes = dims.slice(1).reduce((product, extent) => product * extent, 1);
  if (
    !(tensor?.data instanceof Float32Array) ||
    dims[0] !== count ||
    tensor.data.length !== count * classes ||
    dims.slice(2).some((extent) => extent !== 1)
  ) {
    throw invalidInput(
      `Expected model '${name}' to give float32 [${count}, classes], got ${tensor?.type} [${dims}]`,
    );
  }
  return tensor.data;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
